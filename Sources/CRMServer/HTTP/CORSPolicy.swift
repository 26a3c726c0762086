internal import Hummingbird

/// Which pages may read our answers: those of the listed origins, compared byte by byte, and no others.
struct CORSPolicy {
    var allowedOrigins: Set<String>

    static let exposed = "Retry-After, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, X-Request-Id"

    /// The caller's origin when it is listed.
    func origin(of request: Request) -> String? {
        let origins = request.headers.all("Origin")
        guard origins.count == 1, allowedOrigins.contains(origins[0]) else { return nil }
        return origins[0]
    }

    /// The answer to a browser's question before the real request; it needs no token and carries no data.
    func preflight(_ request: Request, methods: [String]) -> Response? {
        guard request.method == .options, origin(of: request) != nil, !methods.isEmpty,
            !request.headers.all("Access-Control-Request-Method").isEmpty
        else { return nil }
        var response = Response(status: .noContent)
        response.headers.set("Access-Control-Allow-Methods", methods.joined(separator: ", "))
        response.headers.set("Access-Control-Allow-Headers", "Authorization, Content-Type, Idempotency-Key, X-Request-Id, traceparent")
        response.headers.set("Access-Control-Max-Age", "600")
        return response
    }

    /// Every answer to a listed origin says so, errors too, or the page could not read what went wrong.
    func mark(_ response: inout Response, for request: Request) {
        guard !allowedOrigins.isEmpty else { return }
        response.headers.set("Vary", "Origin")
        guard let origin = origin(of: request) else { return }
        response.headers.set("Access-Control-Allow-Origin", origin)
        response.headers.set("Access-Control-Expose-Headers", Self.exposed)
    }
}
