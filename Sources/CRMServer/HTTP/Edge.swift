internal import CRMCore
internal import FoundationEssentials
internal import Hummingbird
internal import Logging
internal import NIOCore

/// The outermost layer: gives the request its id, turns whatever happens below into an answer, and writes the access log.
struct Edge: RouterMiddleware {
    typealias Context = APIContext

    /// Those that a path takes.
    let methods: @Sendable (_ path: String) -> [String]
    let cors: CORSPolicy
    let trustedProxies: Set<String>
    let now: WallClock
    let random: RandomBytes

    func handle(
        _ request: Request, context: APIContext, next: @concurrent (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        let start = ContinuousClock.now
        var context = context
        context.requestID =
            wellFormedRequestID(request.headers.all("X-Request-Id")) ?? UUID.v7(at: now(), random: random(10)).uuidString.lowercased()
        context.clientAddress = clientAddress(
            peer: context.channel.remoteAddress?.ipAddress ?? "", forwarded: request.headers.all("X-Forwarded-For"),
            trustedProxies: trustedProxies)
        // The server's own number says nothing to anybody beside ours.
        context.logger[metadataKey: "hb.request.id"] = nil
        context.logger[metadataKey: "request_id"] = .string(context.requestID)
        var response = try await answer(request, context, next)
        finish(&response, request, context)
        log(request, response, context, took: start.duration(to: .now))
        return response
    }

    private func answer(
        _ request: Request, _ context: APIContext, _ next: @concurrent (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        do {
            if let problem = ambiguity(of: request) { throw problem }
            if let response = cors.preflight(request, methods: methods(request.uri.path)) { return response }
            return try await next(request, context)
        } catch let problem as Problem {
            return Reply(problem, requestID: context.requestID).response
        } catch let error as HTTPError where error.status == .notFound {
            return Reply(nothingHere(request), requestID: context.requestID).response
        } catch  where context.progress.bodyWasRead || !request.declaresBody {
            // Not the client's connection: a mistake of ours.
            context.logger.error("request failed", metadata: ["error_type": .string("\(type(of: error))")])
            return Reply(Problem(.internalError, "Something went wrong here."), requestID: context.requestID).response
        }
        // What is thrown while the body is read goes on to the server, which answers 400 to a broken chunk and closes.
    }

    /// Where two readers could see two different requests, neither is right.
    private func ambiguity(of request: Request) -> Problem? {
        guard let authority = request.head.authority, !authority.isEmpty, request.headers.all("Host").isEmpty else {
            return Problem(.malformedRequest, "There must be one Host header.")
        }
        guard !authority.contains("@") else { return Problem(.malformedRequest, "The Host header may not name a user.") }
        guard request.head.path?.hasPrefix("/") == true else {
            return Problem(.malformedRequest, "The request target must be a path.")
        }
        if request.headers.all("Content-Length").count > 1
            || (request.declaredLength != nil && !request.headers.all("Transfer-Encoding").isEmpty)
        {
            return Problem(.malformedRequest, "The length of the body is given twice.")
        }
        return nil
    }

    private func nothingHere(_ request: Request) -> Problem {
        let methods = methods(request.uri.path)
        guard !methods.isEmpty else { return Problem(.routeNotFound, "There is nothing at this path.") }
        var problem = Problem(.methodNotAllowed, "This path takes \(methods.joined(separator: ", ")).")
        problem.headers.append(("Allow", methods.joined(separator: ", ")))
        return problem
    }

    private func finish(_ response: inout Response, _ request: Request, _ context: APIContext) {
        response.headers.set("X-Request-Id", context.requestID)
        response.headers.set("Cache-Control", "no-store")
        response.headers.set("X-Content-Type-Options", "nosniff")
        response.headers.set("Referrer-Policy", "no-referrer")
        cors.mark(&response, for: request)
        if request.method == .head { response = response.createHeadResponse() }
        // Where a request begins is not known any more after one that could be read in two ways.
        let isUnread = request.declaresBody && !context.progress.bodyWasRead
        if isUnread || ambiguity(of: request) != nil { response.closeWithoutReadingOn(context.channel) }
    }

    private func log(_ request: Request, _ response: Response, _ context: APIContext, took: Duration) {
        let isProbe = request.uri.path == "/healthz" || request.uri.path == "/readyz"
        var metadata: Logger.Metadata = [
            "method": .string(request.method.rawValue), "path": .string(String(request.uri.path.prefix(256))),
            "status": .stringConvertible(response.status.code), "duration_ms": .stringConvertible(took.milliseconds),
            "client": .string(context.clientAddress),
        ]
        if let merchant = context.progress.merchant { metadata["merchant_id"] = .string(merchant.description) }
        context.logger.log(level: isProbe ? .debug : .info, "request", metadata: metadata)
    }
}
