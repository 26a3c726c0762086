@_exported public import CRMFakeHost
package import CRMPluginSDK

// The fake host knows bytes only; here they are JSON, as authors in Swift want them.

extension FakeHTTP.Request {
    package var json: JSONValue { (try? JSONValue(parsing: body)) ?? .null }
}

extension FakeHTTP.Reply {
    /// An answer in JSON; the type is JSON:API's unless `headers` say otherwise.
    package static func json(_ status: Int, _ body: JSONValue, _ headers: [(String, String)] = []) -> FakeHTTP.Reply {
        let hasType = headers.contains { $0.0 == "content-type" }
        return .response(status, (hasType ? [] : [("content-type", "application/vnd.api+json")]) + headers, body.serialized())
    }
}

extension FakeCall {
    package init(_ operation: UInt32, _ payload: JSONValue = [:], credentials: JSONValue = [:]) {
        self.init(operation, payload: payload.serialized(), credentials: credentials.serialized())
    }

    package var credentials: JSONValue {
        get { (try? JSONValue(parsing: credentialsJSON)) ?? .null }
        set { credentialsJSON = newValue.serialized() }
    }

    package var settings: JSONValue {
        get { (try? JSONValue(parsing: settingsJSON)) ?? .null }
        set { settingsJSON = newValue.serialized() }
    }
}

extension OperationResult {
    package var payload: JSONValue { (try? JSONValue(parsing: payloadText)) ?? .null }
    package var warnings: [JSONValue] { payload["warnings"]?.arrayValue ?? [] }
}

extension ProviderUnderTest {
    /// Throws the provider's own error when it refuses the configuration.
    package convenience init(_ factory: Factory, host: FakeHost, config: JSONValue = [:]) throws {
        try self.init(factory, host: host, config: config.serialized())
    }

    package func manifest() throws -> JSONValue { try JSONValue(parsing: manifestBytes) }
}
