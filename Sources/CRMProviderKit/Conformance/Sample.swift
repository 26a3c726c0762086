import CRMCore
import CRMFakeHost

/// One operation as an author shows it: its input, the requests that it leads to, and its outcome.
struct Sample: Sendable {
    let operation: ProviderOperation
    let name: String?
    let payload: JSONObject
    let config: JSONObject?
    let settings: JSONObject?
    let credentials: JSONObject?
    let exchanges: [CannedExchange]
    let status: ProviderStatus
    let result: JSONValue
    /// Nothing of a success's body is read.
    let ignoresBody: Bool

    init(_ value: JSONValue, _ pointer: String) throws(ConformanceFileError) {
        let members = try JSONMembers(
            value, pointer,
            known: [
                "operation", "name", "payload", "config", "settings", "credentials", "exchanges", "status", "result", "ignores_body",
            ])
        operation = try members.required("operation", try members.operation("operation"))
        name = try members.text("name")
        payload = try members.required("payload", try members.object("payload"))
        config = try members.object("config")
        settings = try members.object("settings")
        credentials = try members.object("credentials")
        var exchanges: [CannedExchange] = []
        for (value, pointer) in try members.list("exchanges") { exchanges.append(try CannedExchange(value, pointer)) }
        self.exchanges = exchanges
        status = try members.status("status") ?? .ok
        result = .object(try members.object("result") ?? [:])
        ignoresBody = try members.flag("ignores_body") ?? false
    }

    /// What tells it from the other samples.
    var title: String { name.map { "\(operation.name)-\(slug($0))" } ?? operation.name }
}

/// A text as part of a case's id.
func slug(_ text: String) -> String {
    String(text.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) || $0 == "_" ? $0 : "-" })
}

/// How the CRM says that something is wrong, and what a provider has to make of it.
struct ErrorRow: Sendable {
    let name: String?
    let response: CannedResponse
    /// `nil`: those that no other row of the same key names.
    let operations: Set<ProviderOperation>?
    /// Which requests get this answer; `nil`: all.
    let place: Wildcard?
    let expected: ExpectedOutcome

    init(_ value: JSONValue, _ pointer: String, key: String) throws(ConformanceFileError) {
        let members = try JSONMembers(value, pointer, known: ["name", "response", "operations", "at", "expect"])
        name = try members.text("name")
        place = try members.text("at").map(Wildcard.init)
        if let response = members["response"] {
            self.response = try CannedResponse(response, members.at("response"))
        } else {
            self.response = try members.required("response", Self.plainResponse(key))
        }
        var operations: Set<ProviderOperation> = []
        for (value, pointer) in try members.list("operations") {
            guard let operation = value.stringValue.flatMap(ProviderOperation.init(name:)) else {
                throw ConformanceFileError(pointer: pointer, detail: "is not the name of an operation")
            }
            operations.insert(operation)
        }
        self.operations = operations.isEmpty ? nil : operations
        if let expect = members["expect"] {
            expected = try ExpectedOutcome(expect, members.at("expect"))
        } else {
            expected = try members.required("expect", ExpectedOutcome(key, self.response))
        }
    }

    private init(key: String, response: CannedResponse, expected: ExpectedOutcome) {
        (name, operations, place, self.response, self.expected) = (nil, nil, nil, response, expected)
    }

    /// What is tried where an author says nothing. `nil`: the key is no status of the general table.
    static func general(_ key: String) -> ErrorRow? {
        guard let response = plainResponse(key), let expected = ExpectedOutcome(key, response) else { return nil }
        return ErrorRow(key: key, response: response, expected: expected)
    }

    private static func plainResponse(_ key: String) -> CannedResponse? {
        guard let status = Int(key), (100...999).contains(status) else { return nil }
        return CannedResponse(status: status, headers: status == 429 ? [("retry-after", "7")] : [])
    }
}

/// An outcome as far as it is laid down.
struct ExpectedOutcome: Sendable {
    let status: ProviderStatus
    var isRetryable: Bool?
    var isAmbiguous: Bool?
    var retryAfterMilliseconds: Int?
    var code: String?

    init(_ status: ProviderStatus, retryable: Bool? = nil, ambiguous: Bool? = nil) {
        self.status = status
        isRetryable = retryable
        isAmbiguous = ambiguous
    }

    fileprivate init(_ value: JSONValue, _ pointer: String) throws(ConformanceFileError) {
        let members = try JSONMembers(value, pointer, known: ["status", "retryable", "ambiguous", "retry_after_ms", "code"])
        status = try members.required("status", try members.status("status"))
        isRetryable = try members.flag("retryable")
        isAmbiguous = try members.flag("ambiguous")
        retryAfterMilliseconds = try members.integer("retry_after_ms", in: 0...Int(UInt32.max))
        code = try members.text("code")
    }

    /// The general table.
    fileprivate init?(_ key: String, _ response: CannedResponse) {
        switch key {
        case "400": self.init(.invalidArgument)
        case "401": self.init(.invalidCredentials)
        case "403": self.init(.permissionDenied)
        case "404": self.init(.notFound)
        case "409": self.init(.conflict)
        case "429":
            self.init(.rateLimited, retryable: true)
            retryAfterMilliseconds = response.secondsToWait.map { $0 * 1_000 }
        case "500", "502", "503": self.init(.upstream, retryable: true)
        default: return nil
        }
    }
}
