internal import CRMCore
internal import Hummingbird
internal import NIOCore

/// Reads the body of a request as JSON within all limits.
struct BodyReader {
    var maximumSize: Int
    var timeout: Duration

    static let limits = JSONLimits(maximumDepth: 16, maximumTokens: 20_000)

    /// `nil` for an empty body.
    func json(of request: Request, _ context: APIContext) async throws -> JSONValue? {
        guard request.declaresBody else {
            context.progress.bodyWasRead = true
            return nil
        }
        try refuseUnreadable(request)
        let bytes = try await collect(request, context)
        if bytes.isEmpty { return nil }
        do throws(JSONError) {
            return try JSONValue(parsing: bytes, limits: Self.limits)
        } catch {
            throw Problem(error)
        }
    }

    private func refuseUnreadable(_ request: Request) throws(Problem) {
        let encodings = request.headers.all("Content-Encoding")
        if encodings.contains(where: { $0.lowercased() != "identity" }) {
            throw Problem(.unsupportedEncoding, "The body must come without Content-Encoding.")
        }
        if let length = request.declaredLength, length > maximumSize { throw tooLarge }
        guard let type = request.headers.all("Content-Type").first, Self.isJSON(type) else {
            throw Problem(.unsupportedMediaType, "The body must be declared as Content-Type: application/json.")
        }
    }

    private func collect(_ request: Request, _ context: APIContext) async throws -> [UInt8] {
        // The server's idle timeout starts anew with every byte, so a body has a deadline of its own.
        let channel = context.channel
        let deadline = channel.eventLoop.scheduleTask(in: TimeAmount(timeout)) { channel.close(promise: nil) }
        defer { deadline.cancel() }
        do {
            let buffer = try await request.body.collect(upTo: maximumSize)
            context.progress.bodyWasRead = true
            return Array(buffer.readableBytesView)
        } catch is NIOTooManyBytesError {
            throw tooLarge
        }
    }

    private var tooLarge: Problem { Problem(.bodyTooLarge, "The body may have at most \(maximumSize) bytes.") }

    /// `application/json` or its merge patch, alone or with `charset=utf-8`.
    private static func isJSON(_ header: String) -> Bool {
        let parts = header.lowercased().split(separator: ";").map { String($0).trimmed }
        guard let type = parts.first, type == "application/json" || type == "application/merge-patch+json" else { return false }
        return parts.dropFirst().allSatisfy { ["charset=utf-8", "charset=\"utf-8\""].contains($0) }
    }
}

extension Request {
    var declaredLength: Int? { headers.all("Content-Length").first.flatMap { Int($0) } }

    var declaresBody: Bool { (declaredLength ?? 0) > 0 || !headers.all("Transfer-Encoding").isEmpty }
}
