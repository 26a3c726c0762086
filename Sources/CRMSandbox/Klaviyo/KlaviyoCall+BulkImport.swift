import CRMCore

extension KlaviyoCall {
    /// The request's shape is checked at once; what is wrong with single rows comes out in the job's errors.
    func importProfilesInBulk() throws(KlaviyoRefusal) -> Answer {
        let data = try data.resource("profile-bulk-import-job", members: ["type", "attributes", "relationships"])
        let profiles = try data.required("attributes").required("profiles").required("data")
        let rows = try profiles.elements()
        guard (1...10_000).contains(rows.count) else { throw .invalid("A request holds 1 to 10000 profiles.", at: profiles.pointer) }
        for row in rows {
            _ = try row.resource("profile", members: ["type", "id", "attributes", "meta"]).required("attributes").object()
            guard row.value.serialized().count <= KlaviyoProfileInput.sizeLimit else { throw .tooLarge(KlaviyoProfileInput.sizeLimit) }
        }
        let lists = try data.optional("relationships")?.optional("lists")?.optional("data").map(Self.lists) ?? []
        var job = KlaviyoImportJob(id: serials.next(at: now), created: now, total: rows.count, lists: lists)
        var effects: [Effect] = []
        for (index, row) in rows.enumerated() {
            do throws(KlaviyoRefusal) {
                if request.interference.fails(item: index) {
                    throw KlaviyoRefusal(
                        status: 400, code: request.interference.batchError?.stringValue ?? "error", title: "Scripted.",
                        detail: "The sandbox was told to answer this.", source: .pointer(row.pointer))
                }
                let input = try KlaviyoProfileInput(row)
                try input.requireIdentifier(at: "\(row.pointer)/attributes")
                let (profile, isNew) = try upsert(input)
                effects.append(effect(isNew ? .contactCreated : .contactUpdated, profile))
            } catch {
                job.errors.append(KlaviyoImportJob.RowError(refusal: error, payload: row["attributes"]?.value ?? .null))
                effects.append(Effect(kind: .refused, email: row["attributes"]?["email"]?.value.stringValue))
            }
        }
        account.jobs[job.id] = job
        return answer(job.json(links: base, at: now), status: 202, effects: effects)
    }

    func getImportJob() throws(KlaviyoRefusal) -> Answer { answer(try job().json(links: base, at: now)) }

    func getImportErrors() throws(KlaviyoRefusal) -> Answer {
        let job = try job()
        return try KlaviyoPage(Array(job.errors.enumerated()), of: self).answer { numbered throws(KlaviyoRefusal) in
            let (index, error) = numbered
            return [
                "type": "import-error", "id": .string("\(job.id)-\(index)"),
                "attributes": [
                    "code": .string(error.refusal.code), "title": .string(error.refusal.title), "detail": .string(error.refusal.detail),
                    "source": ["pointer": .string(error.refusal.pointer ?? "/data")], "original_payload": error.payload,
                ],
            ]
        }
    }

    private func job() throws(KlaviyoRefusal) -> KlaviyoImportJob {
        guard let id, let job = account.jobs[id] else { throw .notFound("There is no import job with this id.") }
        return job
    }

    private static func lists(_ field: KlaviyoField) throws(KlaviyoRefusal) -> [String] {
        var ids: [String] = []
        for list in try field.elements() { ids.append(try list.resource("list", members: ["type", "id"]).required("id").string()) }
        return ids
    }
}

extension KlaviyoRefusal {
    fileprivate var pointer: String? { if case .pointer(let pointer) = source { pointer } else { nil } }
}
