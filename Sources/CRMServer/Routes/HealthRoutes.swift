internal import CRMCore

/// Whether the process lives, and whether it can work.
enum HealthRoutes {
    static let all: [Route] = [
        Route(
            method: .get, path: "/healthz", operation: "health", tag: .operations, summary: "Whether the process lives",
            answers: [Route.Answer(status: 200, description: "It does.", schema: "Health", example: ["status": "ok"])],
            handler: .open { _ async throws(Problem) in health }),
        Route(
            method: .get, path: "/readyz", operation: "readiness", tag: .operations, summary: "Whether requests can be served",
            answers: [Route.Answer(status: 200, description: "They can.", schema: "Health", example: ["status": "ok"])],
            problems: [.notReady],
            handler: .open { call async throws(Problem) in try reply(await call.api.readiness()) }),
    ]

    static let health = Reply(200, ["status": "ok"])

    static func reply(_ readiness: Readiness) throws(Problem) -> Reply {
        switch readiness {
        case .ready: return health
        case .failing(let part, let detail): throw Problem(.notReady, "\(part): \(detail)").retry(after: .seconds(2))
        }
    }
}
