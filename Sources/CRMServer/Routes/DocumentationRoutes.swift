internal import CRMCore

/// The API's description of itself.
enum DocumentationRoutes {
    static let all: [Route] = [
        Route(
            method: .get, path: "/openapi.json", operation: "openAPI", tag: .operations, summary: "This document",
            answers: [Route.Answer(status: 200, description: "OpenAPI 3.1.")],
            handler: .open { call async throws(Problem) in Reply(contentType: "application/json", body: call.documentation.openAPI) }),
        Route(
            method: .get, path: "/docs", operation: "docs", tag: .operations, summary: "This document in Swagger UI",
            answers: [Route.Answer(status: 200, description: "A page.", contentType: "text/html")],
            handler: .open { call async throws(Problem) in call.documentation.swaggerUI }),
        Route(
            method: .get, path: "/redoc", operation: "redoc", tag: .operations, summary: "This document in ReDoc",
            answers: [Route.Answer(status: 200, description: "A page.", contentType: "text/html")],
            handler: .open { call async throws(Problem) in call.documentation.redoc }),
        Route(
            method: .get, path: "/docs/start.js", operation: "docsStart", tag: .operations, summary: "Starts Swagger UI",
            answers: [Route.Answer(status: 200, description: "A script.", contentType: "text/javascript")],
            handler: .open { _ async throws(Problem) in Documentation.swaggerStart }, isListed: false),
        Route(
            method: .get, path: "/docs/assets/**", operation: "docsAsset", tag: .operations, summary: "The files of the pages",
            answers: [Route.Answer(status: 200, description: "A file.", contentType: "text/javascript")],
            handler: .open(asset), isListed: false),
    ]

    private static func asset(_ call: Call) async throws(Problem) -> Reply {
        guard let file = call.documentation.assets.content(at: String(call.path.dropFirst("/docs/assets/".count))) else {
            throw Problem(.routeNotFound, "There is no such file.")
        }
        return Reply(contentType: file.type, body: file.bytes, headers: [("Content-Security-Policy", "default-src 'none'")])
    }
}
