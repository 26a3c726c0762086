internal import CRMFakeHost
package import CRMPluginSDK

/// One operation of a provider and what is expected of it.
package struct Step: Sendable {
    package enum Expectation: Sendable {
        /// Success; the result has at least these members.
        case result(JSONObject)
        case failure(CRMError.Status, code: String)
    }

    /// A request that the provider should send; `"POST https://crm.test/events"` for one whose body does not matter.
    package struct Request: Sendable, ExpressibleByStringLiteral, ExpressibleByStringInterpolation {
        let line: String
        let body: JSONValue?

        package init(_ line: String, _ body: JSONValue? = nil) {
            self.line = line
            self.body = body
        }

        package init(stringLiteral line: String) { self.init(line) }

        func matches(_ request: FakeHTTP.Request) -> Bool {
            "\(request.method) \(request.url)" == line && (body.map { $0 == request.json } ?? true)
        }
    }

    package let operation: ProviderOperation
    package let input: JSONValue
    package let expectation: Expectation
    /// `nil`: whatever it sends.
    package let requests: [Request]?
    package var settings: JSONValue = [:]
    package var account = "account-1"
    package var flags: UInt32 = 0

    package init(_ operation: ProviderOperation, _ input: JSONValue = [:], _ expectation: Expectation, sends requests: [Request]? = nil) {
        self.operation = operation
        self.input = input
        self.expectation = expectation
        self.requests = requests
    }
}
