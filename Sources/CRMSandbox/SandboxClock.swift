import CRMCore

/// The sandbox's time: the system's, unless somebody stopped or moved it to see a quota's minute or a job's second pass at once.
final class SandboxClock {
    private let system: WallClock
    private var offset = Duration.zero
    private var stoppedAt: Timestamp?

    init(system: @escaping WallClock) { self.system = system }

    var now: Timestamp { (stoppedAt ?? system()) + offset }

    func answer(_ request: Request) -> Answer {
        switch request.method {
        case "GET": return state
        case "POST": return change(request)
        case "DELETE":
            offset = .zero
            stoppedAt = nil
            return state
        default: return .problem(405, "method_not_allowed", "The clock has GET, POST and DELETE /clock.")
        }
    }

    private var state: Answer { .json(["now": .string(now.description), "stopped": .bool(stoppedAt != nil)]) }

    private func change(_ request: Request) -> Answer {
        let body = (try? request.json())?.objectValue ?? [:]
        if let stop = body["stop_at"]?.stringValue.flatMap({ Timestamp(rfc3339: $0) }), body.count == 1 {
            stoppedAt = stop
            offset = .zero
        } else if let step = body["advance_ms"]?.intValue, (0...31_536_000_000).contains(step), body.count == 1 {
            offset += .milliseconds(step)
        } else {
            return .problem(
                400, "invalid_clock", "The body is {\"stop_at\": \"2026-11-22T10:00:00Z\"}, or {\"advance_ms\": 60000} with at most a year."
            )
        }
        return state
    }
}
