internal import CRMFakeHost
package import CRMPluginSDK
internal import Foundation

/// Recorded exchanges with a CRM: a JSON array of
/// `{"request": {"method", "url", "body"?}, "response": {"status", "headers"?, "body"?}}`.
///
/// A body that is a string stands for its text, any other value for its JSON. A header's value is a string, or an array of strings when
/// the header is repeated. A request without `body` matches whatever is sent.
package struct Cassette: Sendable {
    package struct Exchange: Sendable, Hashable {
        package let method: String
        package let url: String
        /// `nil`: any.
        package let requestBody: JSONValue?
        package let status: Int
        package let headers: [FakeHTTP.Header]
        package let responseBody: [UInt8]
    }

    package enum Malformed: Error, Hashable {
        case noArray
        case exchange(Int, String)
    }

    package let exchanges: [Exchange]

    package init(_ value: JSONValue) throws {
        guard let list = value.arrayValue else { throw Malformed.noArray }
        exchanges = try list.enumerated().map { try Exchange($1, number: $0) }
    }

    package init(path: String) throws {
        try self.init(try JSONValue(parsing: Array(try Data(contentsOf: URL(fileURLWithPath: path)))))
    }
}

extension Cassette.Exchange {
    fileprivate init(_ value: JSONValue, number: Int) throws {
        func required<Value>(_ name: String, _ value: Value?) throws -> Value {
            guard let value else { throw Cassette.Malformed.exchange(number, name) }
            return value
        }
        let (request, response) = (value["request"], value["response"])
        method = try required("request.method", request?["method"]?.stringValue)
        url = try required("request.url", request?["url"]?.stringValue)
        requestBody = request?["body"]
        status = try required("response.status", response?["status"]?.intValue)
        var headers: [FakeHTTP.Header] = []
        for (name, value) in response?["headers"]?.objectValue ?? [:] {
            for text in value.arrayValue ?? [value] {
                headers.append(FakeHTTP.Header(name.lowercased(), try required("response.headers.\(name)", text.stringValue)))
            }
        }
        self.headers = headers
        responseBody = response?["body"].map { $0.stringValue.map { Array($0.utf8) } ?? $0.serialized() } ?? []
    }

    func matches(_ request: FakeHTTP.Request) -> Bool {
        guard request.method == method, request.url == url else { return false }
        guard let requestBody else { return true }
        if let text = requestBody.stringValue { return request.bodyText == text }
        return (try? JSONValue(parsing: request.body)) == requestBody
    }

    var reply: FakeHTTP.Reply { .response(status, headers.map { ($0.name, $0.value) }, responseBody) }
}
