import CRMCore
import NIOHTTP1

/// One request as the imitations see it: decoded path, decoded query, whole body.
struct Request {
    let method: String
    /// The path as it was written, without the query. It begins with the imitation's name, also when the host name chose the imitation.
    private(set) var path: String
    /// Decoded, without empty ones: a slash at the end changes nothing.
    private(set) var segments: [String]
    let query: Query
    let headers: HTTPHeaders
    let body: [UInt8]
    /// The service's own host name, when the request was made to it.
    private(set) var host: String?
    /// What a script does to it.
    var interference = Interference()

    init(method: String, target: String, headers: HTTPHeaders, body: [UInt8]) {
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        self.method = method
        path = String(parts[0])
        segments = parts[0].split(separator: "/").map { PercentEncoding.decode($0, plusIsSpace: false) }
        query = Query(parts.count > 1 ? String(parts[1]) : "")
        self.headers = headers
        self.body = body
    }

    /// A header that may appear once; `nil` when it is missing or repeated.
    func header(_ name: String) -> String? {
        let values = headers[name]
        return values.count == 1 ? values[0] : nil
    }

    func has(header name: String) -> Bool { headers.contains(name: name) }

    /// What links in answers start with.
    var origin: String { host.map { "https://\($0)" } ?? "http://\(header("host") ?? "127.0.0.1")" }

    /// What links into the imitation start with: its name is a part of the path only where no host name says it.
    var base: String { host == nil ? "\(origin)/\(segments.first ?? "")" : origin }

    /// From the header, in lower case, without a port.
    var hostName: String? { header("host").map { String($0.prefix { $0 != ":" }).lowercased() } }

    func routed(to imitation: String, host: String) -> Request {
        var request = self
        request.path = "/\(imitation)\(path)"
        request.segments.insert(imitation, at: 0)
        request.host = host
        return request
    }

    /// The media type without its parameters, in lower case.
    var mediaType: String? {
        guard let bytes = header("content-type")?.utf8 else { return nil }
        return String(decoding: bytes.prefix { $0 != UInt8(ascii: ";") && $0 != UInt8(ascii: " ") }, as: UTF8.self).lowercased()
    }

    func json(limits: JSONLimits = .standard) throws(JSONError) -> JSONValue {
        try JSONValue(parsing: body, limits: limits)
    }
}
