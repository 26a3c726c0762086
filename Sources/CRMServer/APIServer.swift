package import CRMCore
package import Hummingbird
package import Logging
internal import NIOCore

/// The HTTP API that clients reach.
package struct APIServer: Sendable {
    private let api: APIDependencies
    private let configuration: APIConfiguration

    package init(_ api: APIDependencies, configuration: APIConfiguration = APIConfiguration()) {
        self.api = api
        self.configuration = configuration
    }

    /// The service that listens. `onRunning` hears the port, which the system chooses when the listener asks for port 0.
    package func application(
        on listener: Listener, logger: Logger, onRunning: @escaping @Sendable (_ port: Int) async -> Void = { _ in }
    ) -> some ApplicationProtocol {
        listener.application(Self.router(api, configuration, .api), logger, onRunning)
    }

    /// The document of this API, as `/openapi.json` serves it.
    package static func openAPI(configuration: APIConfiguration = APIConfiguration()) -> JSONValue {
        OpenAPIDocument(table: .api, configuration: configuration).json
    }

    /// `GET /crm/list` and so on, as the router has them: for whoever compares it with the document.
    package static func registeredRoutes(_ api: APIDependencies) -> [String] {
        router(api, APIConfiguration(), .api).routes.map { "\($0.method.rawValue) \($0.path)" }
    }

    private static func router(_ api: APIDependencies, _ configuration: APIConfiguration, _ table: RouteTable) -> Router<APIContext> {
        let responder = RouteResponder(
            api: api, configuration: configuration, documentation: Documentation(table, configuration), authenticator: Authenticator(api))
        let router = Router(context: APIContext.self, options: .autoGenerateHeadEndpoints)
        router.add(
            middleware: Edge(
                methods: table.methods, cors: CORSPolicy(allowedOrigins: configuration.allowedOrigins),
                trustedProxies: configuration.trustedProxies,
                now: api.now, random: api.random))
        for route in table.routes {
            router.on(RouterPath(route.path), method: HTTPRequest.Method(rawValue: route.method.rawValue) ?? .get) { request, context in
                try await responder.respond(route, request, context)
            }
        }
        return router
    }
}
