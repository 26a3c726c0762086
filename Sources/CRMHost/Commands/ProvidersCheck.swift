import ArgumentParser
import CRMCore
import CRMProviderKit

struct ProvidersCheck: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Says whether a host would take a library, check by check, and what to do where it would not.",
        discussion: """
            First what the file's bytes say; nothing of it runs. Then it is loaded in a process of its own, with an empty environment
            and 5 s of time. With --previous it is also compared with the library that it is to replace: a new required credential or
            setting, a capability that is gone and another crm_type fail, other differences warn.

            Exit codes: 0 it passes (warnings do not count), 1 a check fails, 64 wrong usage.
            """)

    @Argument(help: "The library, libAcmeProvider.so.", transform: libraryPath)
    var library: String

    @Option(help: "The library that it is to replace.", transform: libraryPath)
    var previous: String?

    @Flag(help: "One JSON document instead of lines.")
    var json = false

    func run() throws {
        let report = LibraryReport(library, previous: previous)
        print(json ? report.json.indented : report.text)
        guard report.passes else { throw ExitCode.failure }
    }
}

struct ProvidersDescribe: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "describe", abstract: "Prints a library's descriptor and manifest as JSON.",
        discussion: """
            The library is loaded in a process of its own, not in this one.

            Exit codes: 0 printed, 1 the library does not pass the check, 64 wrong usage.
            """)

    @Argument(help: "The library.", transform: libraryPath)
    var library: String

    func run() throws {
        do {
            print(try LibraryDescription.json(library).indented)
        } catch {
            complain("\(library) \(error)")
            throw ExitCode.failure
        }
    }
}
