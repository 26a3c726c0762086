import CRMCore
import CRMFakeHost
import CRMTransport
import Synchronization

/// `crm.http/1` of a host without a network, answered by a real one; everything is remembered.
final class LiveExchanges: Sendable {
    struct Exchange: Sendable {
        let request: FakeHTTP.Request
        var answer: Result<HTTPResponse, HTTPFailure>?
        var seconds = 0.0
    }

    private let transport: HTTPTransport
    private let limit: Duration
    private let state = Mutex<[Exchange]>([])

    init(_ transport: HTTPTransport, limit: Duration) {
        self.transport = transport
        self.limit = limit
    }

    var all: [Exchange] { state.withLock { $0 } }

    /// Sends what the provider sends, and gives the answer to `answered`.
    func send(_ request: FakeHTTP.Request, _ answered: @escaping @Sendable (FakeHTTP.Reply) -> Void) {
        let index = state.withLock { exchanges in
            exchanges.append(Exchange(request: request))
            return exchanges.count - 1
        }
        let start = now()
        let timeout = request.timeoutMilliseconds == 0 ? limit : .milliseconds(Int64(request.timeoutMilliseconds))
        let outgoing = HTTPRequest(
            method: request.method, url: request.url, headers: request.headers.map { HTTPHeader($0.name, $0.value) }, body: request.body,
            timeout: timeout,
            maximumResponseBytes: request.maximumResponseBytes == 0 ? HTTPRequest.standardResponseLimit : Int(request.maximumResponseBytes))
        let isTaken = transport.start(outgoing, id: transport.makeID()) { result in
            self.state.withLock { exchanges in
                exchanges[index].answer = result
                exchanges[index].seconds = now() - start
            }
            answered(result.reply)
        }
        if !isTaken { answered(.failure(HTTPFailure.Code.cancelled.rawValue)) }
    }
}

extension Result<HTTPResponse, HTTPFailure> {
    fileprivate var reply: FakeHTTP.Reply {
        switch self {
        case .success(let response): .response(response.status, response.headers.map { ($0.name, $0.value) }, response.body)
        case .failure(let failure): .failure(failure.code.rawValue)
        }
    }
}

extension LiveExchanges.Exchange {
    /// As a person reads it.
    func text(_ redaction: Redaction) -> String {
        var lines = ["> \(request.method) \(redaction.text(request.url))"]
        lines += request.headers.map { "> \($0.name): \(redaction.header($0.name, $0.value, isSensitive: $0.isSensitive))" }
        if let body = redaction.body(request.body) { lines += Self.bodyLines(body, ">") }
        let milliseconds = "\(Int(seconds * 1_000)) ms"
        switch answer {
        case nil: lines.append("< no answer yet")
        case .failure(let failure): lines.append("< no answer (\(failure.code), \(milliseconds)): \(failure.message)")
        case .success(let response):
            lines.append("< \(response.status) (\(milliseconds), \(response.body.count) bytes)")
            lines += response.headers.map { "< \($0.name): \(redaction.header($0.name, $0.value))" }
            if let body = redaction.body(response.body) { lines += Self.bodyLines(body, "<") }
        }
        return lines.joined(separator: "\n")
    }

    private static func bodyLines(_ body: JSONValue, _ mark: String) -> [String] {
        let text = body.stringValue ?? body.indented
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        return lines.prefix(60).map { "\(mark)   \($0)" } + (lines.count > 60 ? ["\(mark)   … \(lines.count - 60) more lines"] : [])
    }

    /// As one exchange of a cassette. `nil`: there was no answer, which a cassette cannot hold.
    func recorded(_ redaction: Redaction) -> JSONValue? {
        guard case .success(let response) = answer else { return nil }
        var asked: JSONObject = ["method": .string(request.method), "url": .string(redaction.text(request.url))]
        // A body with a secret in it would never be met again: any body fits there.
        if let body = redaction.body(request.body), redaction.isUnchanged(body, request.body) { asked["body"] = body }
        var headers: JSONObject = [:]
        for header in response.headers {
            let value = JSONValue.string(redaction.header(header.name, header.value))
            switch headers[header.name] {
            case nil: headers[header.name] = value
            case .array(let values): headers[header.name] = .array(values + [value])
            case .some(let first): headers[header.name] = [first, value]
            }
        }
        var answered: JSONObject = ["status": .integer(response.status), "headers": .object(headers)]
        answered.set("body", redaction.body(response.body))
        return ["request": .object(asked), "response": .object(answered)]
    }
}

extension Redaction {
    fileprivate func isUnchanged(_ shown: JSONValue, _ bytes: [UInt8]) -> Bool {
        shown.stringValue.map { $0 == String(decoding: bytes, as: UTF8.self) } ?? ((try? JSONValue(parsing: bytes)) == shown)
    }
}
