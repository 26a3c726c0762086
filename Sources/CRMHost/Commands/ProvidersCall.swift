import ArgumentParser
import CRMCore
import CRMProviderKit

struct ProvidersCall: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "call", abstract: "Runs one operation of a library against a CRM, and shows every HTTP exchange, without secrets.",
        discussion: """
            No database, no merchants: the library, the network, and what you give. JSON is given as it is, or as @file. What may be called
            is what the manifest's egress says; --allow says something else instead, such as --allow http://127.0.0.1:8003 for a simulator
            on this machine.

              crm-host providers call libAcmeProvider.so validate_credentials --credentials @key.json --watch

            The library runs in this process (with --watch in a new one each time): `gdb --args crm-host providers call …` breaks inside it.

            Exit codes: 0 the operation ended with OK, 1 it did not, 64 wrong usage or input that the library's schemas refuse.
            """)

    @Argument(help: "The library.", transform: libraryPath)
    var library: String

    @Argument(help: "What to do.")
    var operation: ProviderOperation

    @Option(help: "The merchant's credentials: JSON or @file.")
    var credentials: String?

    @Option(help: "The merchant's settings: JSON or @file.")
    var settings: String?

    @Option(help: "The operation's payload: JSON or @file.")
    var payload: String?

    @Option(help: "The operator's config: JSON or @file.")
    var config: String?

    @Option(help: "What may be called instead of what the manifest says: host:443, *.suffix:443 or http://127.0.0.1:PORT. Repeatable.")
    var allow: [String] = []

    @Option(name: .customLong("ca-file"), help: "Certificate authorities beside the system's.")
    var authorities: String?

    @Option(help: "Seconds after which the operation is cancelled.")
    var timeout = 30

    @Option(help: "Writes the exchanges as a cassette for tests, without secrets.")
    var record: String?

    @Flag(help: "Asks the provider to write nothing into the CRM.")
    var dryRun = false

    @Flag(help: "Shows the provider's log, its metrics and the rules that it breaks as well.")
    var trace = false

    @Flag(help: "Again after each change of the library, until you stop it.")
    var watch = false

    func validate() throws {
        guard (1...3_600).contains(timeout) else { throw ValidationError("--timeout is from 1 to 3600 seconds.") }
    }

    func run() async throws {
        if watch { return try LibraryWatch(library).run(CommandLine.arguments.dropFirst().filter { $0 != "--watch" }) }
        let report: LibraryCallReport
        do {
            var call = LibraryCall(
                library: library, operation: operation, credentials: try JSONArgument.object(credentials, "--credentials"),
                settings: try JSONArgument.object(settings, "--settings"), payload: try JSONArgument.object(payload, "--payload"),
                config: try JSONArgument.object(config, "--config"))
            call.allow = allow
            call.isDryRun = dryRun
            call.timeout = .seconds(timeout)
            call.certificateAuthorityFile = authorities
            report = try await call.run()
        } catch {
            complain("\(error)")
            throw ExitCode(64)
        }
        print(report.text(isTraced: trace))
        if let record, let reason = SmallFile.write(Array((report.cassette.indented + "\n").utf8), to: record) {
            complain("\(record) cannot be written: \(reason)")
            throw ExitCode.failure
        }
        guard report.isOK else { throw ExitCode.failure }
    }
}

extension ProviderOperation: ExpressibleByArgument {
    /// Not the numbers that they have in the ABI.
    package static var allValueStrings: [String] { allCases.map(\.name) }

    package init?(argument: String) { self.init(name: argument.replacing("-", with: "_")) }
}
