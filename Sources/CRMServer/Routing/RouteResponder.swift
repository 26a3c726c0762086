internal import CRMCore
internal import Hummingbird

/// Takes a routed request through the steps before its handler: query, caller, body.
struct RouteResponder: Sendable {
    let api: APIDependencies
    let configuration: APIConfiguration
    let documentation: Documentation
    let authenticator: Authenticator

    func respond(_ route: Route, _ request: Request, _ context: APIContext) async throws -> Response {
        switch route.handler {
        case .open(let handle):
            return try await handle(try await call(route, request, context, caller(.system, request, context))).response
        case .user(let handle):
            let identity = try await authenticator.identity(request.headers.all("Authorization"))
            let caller = caller(.user(uid: identity.uid), request, context)
            return try await handle(try await call(route, request, context, caller), identity).response
        case .merchant(let handle):
            let identity = try await authenticator.identity(request.headers.all("Authorization"))
            let caller = caller(.user(uid: identity.uid), request, context)
            let merchant = try await authenticator.merchant(of: identity, caller)
            context.progress.merchant = merchant.id
            return try await handle(try await call(route, request, context, caller), merchant).response
        }
    }

    private func call(
        _ route: Route, _ request: Request, _ context: APIContext, _ caller: CRMCore.RequestContext
    ) async throws -> Call {
        let query = try QueryString(request.uri.query, known: route.queryNames)
        let body = try await body(of: route, request, context)
        return Call(
            api: api, configuration: configuration, documentation: documentation, method: request.method.rawValue, path: request.uri.path,
            parameters: Dictionary(context.parameters.map { (String($0.key), String($0.value)) }, uniquingKeysWith: { first, _ in first }),
            query: query, body: body, idempotencyKeys: request.headers.all("Idempotency-Key"), caller: caller, logger: context.logger)
    }

    private func body(of route: Route, _ request: Request, _ context: APIContext) async throws -> JSONValue? {
        guard let expected = route.body else { return nil }
        let reader = BodyReader(maximumSize: configuration.maximumBodySize, timeout: configuration.bodyTimeout)
        let body = try await reader.json(of: request, context)
        if body == nil, !expected.isOptional { throw Problem(.invalidJSON, "The body is empty; this route needs one.") }
        return body
    }

    private func caller(
        _ actor: CRMCore.RequestContext.Actor, _ request: Request, _ context: APIContext
    ) -> CRMCore.RequestContext {
        CRMCore.RequestContext(
            actor: actor, requestID: context.requestID, traceparent: wellFormedTraceparent(request.headers.all("traceparent")),
            ip: context.clientAddress, userAgent: request.headers.all("User-Agent").first.map { String($0.prefix(256)) })
    }
}
