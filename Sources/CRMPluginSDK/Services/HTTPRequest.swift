/// One call to the CRM, sent by the host: no redirects, no cookies, no retries.
public struct HTTPRequest: Sendable {
    public var method: Method
    /// Absolute.
    public var url: String
    /// The same without ids, for metrics and logs: `GET /api/profiles/{id}`.
    public var route: String
    public var headers: [HTTPHeader]
    public var body: [UInt8]
    /// `nil`: what is left of the operation's deadline.
    public var timeout: Duration?
    /// `nil`: the host's default, 1 MiB.
    public var maximumResponseBytes: UInt32?
    /// Whether the CRM may hold something new once this arrived: a failure without an answer is then ambiguous.
    public var changesData: Bool

    public enum Method: String, Sendable {
        case get = "GET"
        case head = "HEAD"
        case post = "POST"
        case put = "PUT"
        case patch = "PATCH"
        case delete = "DELETE"
    }

    /// `changesData` defaults to what the method means.
    public init(
        _ method: Method, _ url: String, route: String, headers: [HTTPHeader] = [], body: [UInt8] = [], timeout: Duration? = nil,
        maximumResponseBytes: UInt32? = nil, changesData: Bool? = nil
    ) {
        self.method = method
        self.url = url
        self.route = route
        self.headers = headers
        self.body = body
        self.timeout = timeout
        self.maximumResponseBytes = maximumResponseBytes
        self.changesData = changesData ?? (method != .get && method != .head)
    }
}

public struct HTTPHeader: Sendable, Hashable {
    public var name: String
    public var value: String
    /// The value is a secret: the host shows it nowhere.
    public var isSensitive: Bool

    /// Headers that carry credentials in every API are sensitive without being told.
    public init(_ name: String, _ value: String, isSensitive: Bool? = nil) {
        self.name = name
        self.value = value
        self.isSensitive = isSensitive ?? Self.isSecret(name)
    }

    private static let secrets = ["authorization", "cookie", "proxy-authorization", "x-api-key", "bpmcsrf"]

    private static func isSecret(_ name: String) -> Bool {
        // Lower case by one bit. What is no letter may change too; at worst a header is hidden that need not be.
        secrets.contains { secret in
            secret.utf8.count == name.utf8.count && secret.utf8.elementsEqual(name.utf8) { $0 == $1 | 0x20 }
        }
    }
}
