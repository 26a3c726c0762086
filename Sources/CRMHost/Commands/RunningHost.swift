import ArgumentParser
import CRMCore
import CRMTransport

/// The host that runs with this configuration, as its administration's listener shows it.
struct RunningHost {
    private let origin: String

    /// `nil`: its listener is switched off, or has a port that nobody knows beforehand.
    init?(_ configuration: HostConfiguration) {
        guard configuration.admin.port != 0 else { return nil }
        let host = configuration.admin.host.contains(":") ? "[\(configuration.admin.host)]" : configuration.admin.host
        origin = "http://\(host):\(configuration.admin.port)"
    }

    /// The state of every provider library, those included that are on their way out; `nil`: nobody listens.
    func allProviders() async throws -> [JSONValue]? {
        let transport = try HTTPTransport(policy: try EgressPolicy(allow: [origin], allowsLoopbackOrigins: true))
        defer { transport.shutdown() }
        do {
            let answer = try await transport.send(HTTPRequest(url: origin + "/providers", timeout: .seconds(15)))
            guard answer.status == 200 else {
                throw CommandFailure("\(origin)/providers answers \(answer.status); is that the host's administration?")
            }
            return try JSONValue(parsing: answer.body)["data"]?.arrayValue
        } catch let failure as HTTPFailure where failure.code == .connect {
            return nil
        } catch let failure as HTTPFailure {
            throw CommandFailure("The host at \(origin) runs but does not answer (\(failure.message)); look at its log and try again.")
        }
    }

    /// Without those that are on their way out: one row for each entry.
    func providers() async throws -> [JSONValue]? { try await allProviders()?.filter { $0["state"] != "draining" } }

    /// Looks at one entry until `isReached` says that it is as it should be, at most 30 s.
    ///
    /// - Returns: Its row as it was last, and whether it was as it should be; `nil`: nobody listens.
    func wait(forEntry file: String, until isReached: (JSONValue?) -> Bool) async throws -> (row: JSONValue?, isReached: Bool)? {
        let end = ContinuousClock.now + .seconds(30)
        while true {
            guard let rows = try await providers() else { return nil }
            let row = rows.first { $0["file"]?.stringValue == file }
            if isReached(row) { return (row, true) }
            guard ContinuousClock.now < end else { return (row, false) }
            try await Task.sleep(for: .milliseconds(100))
        }
    }
}
