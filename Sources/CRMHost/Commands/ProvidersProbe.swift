import ArgumentParser
import CRMProviders
import Glibc

/// The child in which a library is tried before the host loads it. It reads no configuration and gets no environment.
struct ProvidersProbe: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "probe", abstract: "Loads a library in this process and reports what it does.", shouldDisplay: false)

    @Argument var path: String

    func run() { Glibc.exit(ProviderProbe.run(path: path)) }
}
