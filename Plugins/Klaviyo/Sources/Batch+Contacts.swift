internal import CRMPluginSDK

extension Endpoint {
    static let importProfiles = Endpoint(.post, "/api/profile-bulk-import-jobs", scopes: ["profiles:write", "lists:write"], .bulk)

    static func importJob(_ id: String) -> Endpoint {
        Endpoint(
            .get, "/api/profile-bulk-import-jobs/\(PercentEncoding.encode(id))", route: "/api/profile-bulk-import-jobs/{id}",
            scopes: ["lists:read", "profiles:read"], .bulk)
    }

    static func importErrors(_ id: String) -> Endpoint {
        Endpoint(
            .get, "/api/profile-bulk-import-jobs/\(PercentEncoding.encode(id))/import-errors",
            route: "/api/profile-bulk-import-jobs/{id}/import-errors", scopes: ["profiles:read"], .bulk)
    }
}

extension KlaviyoProvider {
    private static let rowsPointer = "/data/attributes/profiles/data"
    /// In the cache: this key may not import, or not see what became of an import.
    private static let noImports = "no-imports"
    /// Fewer go faster by single calls, and those name the profile at once.
    private static let smallestImport = 20

    /// Contacts with consent go by single calls: whether consent may be written depends on what Klaviyo says of each. So do all when an
    /// import before may not have been confirmed: a single call says what became of it.
    func importContacts(_ run: inout BatchRun, _ context: OperationContext) async throws {
        var rows: [(index: Int, element: JSONValue)] = []
        var single: [Int] = []
        for (index, item) in run.items.enumerated() {
            guard case .contact(let contact) = item.kind else { continue }
            do throws(CRMError) {
                let draft = try ProfileDraft(contact, Settings(context).fields, pointer: "")
                if contact.hasConsent || !draft.warnings.isEmpty {
                    single.append(index)
                } else {
                    rows.append((index, ["type": "profile", "attributes": .object(draft.attributes)]))
                }
            } catch {
                run.fail([index], error)
            }
        }
        if rows.count < Self.smallestImport || context.looksBeforeWrite {
            single += rows.map(\.index)
        } else {
            for chunk in BulkChunk.cut(rows) {
                if let stop = run.stop(of: .bulk) ?? run.stop(of: .contacts) {
                    run.fail(chunk.indices, stop)
                } else if await context.cache.look(Self.noImports) != nil {
                    single += chunk.indices
                } else {
                    try await importRows(chunk, &run, context)
                }
            }
        }
        run.leaveToSingleCalls(single)
    }

    private func importRows(_ chunk: BulkChunk, _ run: inout BatchRun, _ context: OperationContext) async throws {
        let job: ImportJob
        do {
            let response = try await send(
                .importProfiles,
                body: [
                    "data": ["type": "profile-bulk-import-job", "attributes": ["profiles": ["data": .array(chunk.elements)]]]
                ], context)
            guard let accepted = ImportJob(response.json?["data"]) else { throw CRMError.unreadable(.importProfiles) }
            job = accepted
        } catch let error as CRMError {
            switch error.status {
            case .permissionDenied: try await writeAlone(chunk, &run, context)
            case .invalidArgument, .conflict: run.leaveToSingleCalls(chunk.indices)
            default:
                run.fail(chunk.indices, error)
                run.stop(.bulk, after: error)
            }
            return
        }
        do {
            try await follow(job, of: chunk, &run, context)
        } catch let error as CRMError {
            if error.status == .permissionDenied { return try await writeAlone(chunk, &run, context) }
            run.fail(chunk.indices, error)
            run.stop(.bulk, after: error)
        }
    }

    /// Without the scopes for imports a key may still write profiles one by one. Somebody may add them, so it is asked again some day.
    private func writeAlone(_ chunk: BulkChunk, _ run: inout BatchRun, _ context: OperationContext) async throws {
        run.leaveToSingleCalls(chunk.indices)
        _ = try await context.cache.value(Self.noImports) { SessionCache.Made([1], timeToLive: .seconds(600)) }
    }

    /// Waits for the job as long as the operation may take. A row of which nobody knows what became is not written: the next attempt
    /// writes it alone, which does no harm to one that was.
    private func follow(
        _ accepted: ImportJob, of chunk: BulkChunk, _ run: inout BatchRun, _ context: OperationContext
    ) async throws {
        let (job, pause) = try await finished(accepted, context)
        switch job.status {
        case "complete":
            let failed = job.failures == 0 ? [] : try await failedRows(job, chunk, context)
            for index in chunk.indices { run.finish(index, .success(remoteID: nil)) }
            run.leaveToSingleCalls(failed)
        case "cancelled":
            run.fail(
                chunk.indices,
                CRMError(.upstream, code: "klaviyo.import_cancelled", message: "Klaviyo cancelled the import", flags: .retryable))
        default:
            run.job = ["type": "profile-bulk-import-job", "id": .string(job.id), "status": .string(job.status)]
            run.fail(
                chunk.indices,
                CRMError(
                    .upstream, code: "klaviyo.import_unconfirmed",
                    message: "Klaviyo took the import, and has not said what became of this row", retryAfter: pause,
                    flags: [.retryable, .ambiguous]))
        }
    }

    /// Half of what is left of the operation belongs to the rows that the job could not write. Returns the job as it was last seen, and
    /// the wait that Klaviyo asked for if that was longer.
    private func finished(_ accepted: ImportJob, _ context: OperationContext) async throws -> (ImportJob, wait: Duration?) {
        var job = accepted
        let endpoint = Endpoint.importJob(job.id)
        var patience = (context.remaining ?? .seconds(10)) / 2
        var pause = Duration.milliseconds(250)
        while !job.isOver, patience >= pause {
            try await context.sleep(for: pause)
            patience -= pause
            pause = min(pause * 2, .seconds(2))
            do {
                guard let now = ImportJob(try await send(endpoint, isOptional: true, context).json?["data"]) else { break }
                job = now
            } catch let error as CRMError {
                switch error.status {
                case .rateLimited:
                    guard let wait = error.retryAfter else { continue }
                    if wait > patience { return (job, wait) }
                    pause = max(pause, wait)
                // The import goes on although it could not be seen this time.
                case .upstream, .unavailable: continue
                case .notFound, .invalidArgument, .conflict, .deadlineExceeded: return (job, nil)
                default: throw error
                }
            }
        }
        return (job, nil)
    }

    /// The items whose rows Klaviyo could not write; all of them when it does not say which.
    private func failedRows(_ job: ImportJob, _ chunk: BulkChunk, _ context: OperationContext) async throws -> [Int] {
        var found: Set<Int> = []
        var query = ImportErrorPage.first
        do {
            for _ in 0..<Self.largestImport / ImportErrorPage.size + 1 {
                guard let page = try await send(.importErrors(job.id), query: query, isOptional: true, context).json else { break }
                for error in page["data"]?.arrayValue ?? [] {
                    found.formUnion(chunk.items(of: error["attributes"], below: Self.rowsPointer))
                }
                guard let next = ImportErrorPage.next(page) else { break }
                query = next
            }
        } catch is CRMError {
            return chunk.indices
        }
        return found.count < job.failures ? chunk.indices : Array(found)
    }
}

/// A bulk import, as Klaviyo describes it.
private struct ImportJob {
    let id: String
    let status: String
    let failures: Int

    var isOver: Bool { status == "complete" || status == "cancelled" }

    init?(_ resource: JSONValue?) {
        guard let id = resource?["id"]?.stringValue, Endpoint.isSegment(id), let status = resource?["attributes"]?["status"]?.stringValue
        else { return nil }
        self.id = id
        self.status = status
        failures = resource?["attributes"]?["failed_count"]?.intValue ?? 0
    }
}

private enum ImportErrorPage {
    static let size = 100
    static let first = "\(PercentEncoding.encode("page[size]"))=\(size)"

    /// Of the link only the cursor is taken: an address out of an answer is never called.
    static func next(_ page: JSONValue) -> String? {
        guard let link = page["links"]?["next"]?.stringValue else { return nil }
        for name in ["page%5Bcursor%5D=", "page[cursor]="] {
            for parameter in link.split(separator: "?").last?.split(separator: "&") ?? [] where parameter.hasPrefix(name) {
                let cursor = parameter.dropFirst(name.count)
                guard cursor.utf8.allSatisfy(isCursorByte) else { return nil }
                return "\(first)&page%5Bcursor%5D=\(cursor)"
            }
        }
        return nil
    }

    private static func isCursorByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"), UInt8(ascii: "%"), UInt8(ascii: "="):
            true
        default: false
        }
    }
}

extension BulkChunk {
    /// The rows that an import error is about: by its pointer, else by the identifiers of the row that it repeats.
    fileprivate func items(of error: JSONValue?, below prefix: String) -> Set<Int> {
        if let pointer = error?["source"]?["pointer"]?.stringValue {
            let named = items(named: [pointer], below: prefix)
            if !named.isEmpty { return named }
        }
        let payload = error?["original_payload"]
        let row = payload?["attributes"] ?? payload
        return Set(
            zip(indices, elements).filter { _, element in
                FieldMap.identifiers.contains { field in
                    guard let value = row?[field.theirs]?.stringValue else { return false }
                    return element["attributes"]?[field.theirs]?.stringValue == value
                }
            }.map(\.0))
    }
}
