/// The CRM's answer, whatever its status.
public struct HTTPResponse: Sendable {
    public let status: Int
    /// Names in lower case; a repeated header is repeated.
    public let headers: [HTTPHeader]
    public let body: [UInt8]
    /// Nanoseconds since 1970, by the host's clock.
    let receivedAt: Int64

    init(status: Int, headers: [HTTPHeader], body: [UInt8], receivedAt: Int64) {
        self.status = status
        self.headers = headers
        self.body = body
        self.receivedAt = receivedAt
    }

    public var isSuccess: Bool { (200..<300).contains(status) }

    /// The first header of that name (in lower case).
    public func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }

    /// The values of all headers of that name (in lower case), in their order: `set-cookie` comes once for each cookie.
    public func values(of name: String) -> [String] { headers.filter { $0.name == name }.map(\.value) }

    /// `application/json` of `application/json; charset=utf-8`, in lower case.
    public var mediaType: String? {
        header("content-type").map { String($0.prefix { $0 != ";" && $0 != " " }).lowercased() }
    }

    /// The body, when it says that it is JSON and is.
    public var json: JSONValue? {
        guard let mediaType, mediaType == "application/json" || mediaType.hasSuffix("+json") else { return nil }
        return try? JSONValue(parsing: body)
    }

    /// What `Retry-After` says, in seconds or as a date; `nil` when there is none or it makes no sense.
    public var retryAfter: Duration? {
        guard let text = header("retry-after") else { return nil }
        if let seconds = UInt32(text) { return .seconds(Int64(seconds)) }
        guard let date = HTTPDate(text) else { return nil }
        // The answer's own clock, where it shows one, measures the pause without an error between two machines' clocks.
        let now = header("date").flatMap(HTTPDate.init)?.secondsSince1970 ?? receivedAt / 1_000_000_000
        return .seconds(max(0, date.secondsSince1970 - now))
    }
}
