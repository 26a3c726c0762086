import ArgumentParser
import Logging
import ServiceLifecycle
import UnixSignals

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Runs the service until it is told to stop.",
        discussion: """
            Prints the addresses of the API and of the administration listener when they accept connections.
            SIGTERM and SIGINT end it after the requests and calls in progress; SIGHUP makes it look at the providers again.
            """)

    func run() async throws {
        forbidCoreDumps()
        let configuration = try loadConfiguration()
        startLogging(configuration)
        let logger = Logger(label: "crm-host")
        let services: Services
        do {
            try prepareStateDirectory(configuration.stateDirectory)
            services = try await Services(configuration, logger: logger)
        } catch let error as StartError {
            complain(error.description)
            throw error.exit
        } catch {
            complain("the service does not start: \(error)")
            throw ExitCode.failure
        }
        var group = ServiceGroupConfiguration(
            services: services.all, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        group.maximumGracefulShutdownDuration = .seconds(20)
        try await ServiceGroup(configuration: group).run()
    }
}
