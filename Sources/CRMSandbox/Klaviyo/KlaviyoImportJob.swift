import CRMCore

/// A bulk import. The work is done on arrival; the job pretends to take as long as a real one takes at least.
struct KlaviyoImportJob {
    struct RowError {
        let refusal: KlaviyoRefusal
        let payload: JSONValue
    }

    let id: String
    let created: Timestamp
    let total: Int
    let lists: [String]
    var errors: [RowError] = []

    private static let queued = Duration.milliseconds(200)
    private static let processing = Duration.milliseconds(800)

    func json(links base: String, at now: Timestamp) -> JSONValue {
        let started = created + Self.queued
        let completed = started + Self.processing
        let isStarted = now >= started
        let isComplete = now >= completed
        let own = "\(base)/api/profile-bulk-import-jobs/\(id)"
        return [
            "type": "profile-bulk-import-job", "id": .string(id),
            "attributes": [
                "status": isComplete ? "complete" : isStarted ? "processing" : "queued",
                "created_at": .string(KlaviyoTime.text(created)), "total_count": .integer(total),
                "completed_count": .integer(isComplete ? total - errors.count : 0), "failed_count": .integer(isComplete ? errors.count : 0),
                "started_at": isStarted ? .string(KlaviyoTime.text(started)) : .null,
                "completed_at": isComplete ? .string(KlaviyoTime.text(completed)) : .null,
                "expires_at": .string(KlaviyoTime.text(created + .seconds(7 * 86_400))),
            ],
            "relationships": [
                "lists": ["data": .array(lists.map { ["type": "list", "id": .string($0)] })],
                "import-errors": ["links": ["related": .string("\(own)/import-errors/")]],
            ],
            "links": ["self": .string("\(own)/")],
        ]
    }
}
