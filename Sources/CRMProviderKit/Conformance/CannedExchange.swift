import CRMCore
import CRMFakeHost
import CRMPluginAPI

/// A request that an author expects of a provider, and what the CRM answers to it.
struct CannedExchange: Sendable {
    let request: RequestPattern
    let response: CannedResponse
    /// The request changes nothing in the CRM, whatever its method.
    let isRead: Bool

    init(_ value: JSONValue, _ pointer: String) throws(ConformanceFileError) {
        let members = try JSONMembers(value, pointer, known: ["request", "response", "reads"])
        request = try RequestPattern(members["request"], members.at("request"))
        response = try CannedResponse(try members.required("response", members["response"]), members.at("response"))
        isRead = try members.flag("reads") ?? ["GET", "HEAD"].contains(request.method)
    }
}

/// Which requests an exchange is for.
struct RequestPattern: Sendable {
    let method: String
    let url: Wildcard
    let headers: [(name: String, value: Wildcard)]
    /// A part of the JSON, or a pattern for the text.
    let body: JSONValue?

    init(_ value: JSONValue?, _ pointer: String) throws(ConformanceFileError) {
        let members = try JSONMembers(value, pointer, known: ["method", "url", "headers", "body"])
        method = try members.required("method", try members.text("method"))
        url = Wildcard(try members.required("url", try members.text("url")))
        body = members["body"]
        var headers: [(name: String, value: Wildcard)] = []
        for (name, value) in try members.object("headers") ?? [:] {
            guard let text = value.stringValue else { throw members.error("headers/\(name)", "must be a string") }
            headers.append((name.lowercased(), Wildcard(text)))
        }
        self.headers = headers
    }

    func matches(_ request: FakeHTTP.Request) -> Bool {
        guard request.method == method, url.matches(url: request.url) else { return false }
        for (name, value) in headers {
            guard request.headers.contains(where: { $0.name.lowercased() == name && value.matches($0.value) }) else { return false }
        }
        guard let body else { return true }
        if let text = body.stringValue { return Wildcard(text).matches(request.bodyText) }
        guard let sent = try? JSONValue(parsing: request.body) else { return false }
        return sent.includes(body)
    }

    var description: String { "\(method) \(url.pattern)" }
}

/// What the CRM says, or why it says nothing.
struct CannedResponse: Sendable {
    let reply: FakeHTTP.Reply

    private static let failures: [String: Int32] = [
        "cancelled": CRM_HTTP_ERROR_CANCELLED, "timeout": CRM_HTTP_ERROR_TIMEOUT, "dns": CRM_HTTP_ERROR_DNS,
        "connect": CRM_HTTP_ERROR_CONNECT, "tls": CRM_HTTP_ERROR_TLS, "reset": CRM_HTTP_ERROR_RESET,
        "too_large": CRM_HTTP_ERROR_TOO_LARGE, "blocked": CRM_HTTP_ERROR_BLOCKED,
    ]

    init(_ value: JSONValue, _ pointer: String) throws(ConformanceFileError) {
        let members = try JSONMembers(value, pointer, known: ["status", "headers", "body", "failure"])
        if let name = try members.text("failure") {
            guard let failure = Self.failures[name] else {
                throw members.error("failure", "must be one of \(Self.failures.keys.sorted().joined(separator: ", "))")
            }
            reply = .failure(failure)
            return
        }
        var headers: [(String, String)] = []
        for (name, value) in try members.object("headers") ?? [:] {
            for text in value.arrayValue ?? [value] {
                guard let text = text.stringValue else { throw members.error("headers/\(name)", "must be a string, or an array of them") }
                headers.append((name.lowercased(), text))
            }
        }
        let body = members["body"]
        if let body, body.stringValue == nil, !headers.contains(where: { $0.0 == "content-type" }) {
            headers.append(("content-type", "application/json"))
        }
        let bytes = body.map { $0.stringValue.map { Array($0.utf8) } ?? $0.serialized() } ?? []
        reply = .response(try members.integer("status", in: 100...999) ?? 200, headers, bytes)
    }

    init(status: Int, headers: [(String, String)] = []) { reply = .response(status, headers, []) }

    /// How long the answer asks to wait, where it says so in seconds.
    var secondsToWait: Int? {
        guard case .response(_, let headers, _) = reply else { return nil }
        return headers.first { $0.0 == "retry-after" }.flatMap { Int($0.1) }
    }
}

extension JSONValue {
    /// Whether `part` is all here: objects may have more members, arrays are as long, and numbers are equal as numbers.
    func includes(_ part: JSONValue) -> Bool {
        switch (self, part) {
        case (.object(let members), .object(let part)):
            part.allSatisfy { name, value in members[name].map { $0.includes(value) } ?? false }
        case (.array(let elements), .array(let part)):
            elements.count == part.count && zip(elements, part).allSatisfy { $0.includes($1) }
        case (.number(let number), .number(let part)): number.double == part.double
        default: self == part
        }
    }
}
