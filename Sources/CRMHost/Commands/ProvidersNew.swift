import ArgumentParser
import CRMCore
import CRMProviderKit

struct ProvidersNew: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "new", abstract: "Writes a package for a new provider, which builds and passes the conformance kit as it is.",
        discussion: "It holds all that it needs: header, schemas and, for Swift, the SDK with a fake host for tests.")

    @Argument(help: "The crm_type: 2 to 32 of a-z, 0-9, _ and -, a letter first.")
    var name: String

    @Option(help: "swift or c.")
    var lang = Scaffold.Language.swift

    @Option(help: "Where to; ./NAME when left out.")
    var directory: String?

    func run() throws {
        let scaffold = try written()
        print(
            """
            \(directory ?? scaffold.type.name) is a provider for the CRM "\(scaffold.type)". Next:
              cd \(directory ?? scaffold.type.name)
              \(lang == .swift ? "swift build -c release --product \(scaffold.typeName)Provider" : "make")
              crm-host providers conformance \(scaffold.libraryPath)
              crm-host providers enable \(scaffold.libraryPath)
            README.md says which file is yours.
            """)
    }

    private func written() throws -> Scaffold {
        do throws(Scaffold.Refusal) {
            let scaffold = try Scaffold(name: name, language: lang)
            try scaffold.write(to: directory ?? scaffold.type.name)
            return scaffold
        } catch {
            throw CommandFailure(error.description)
        }
    }
}

extension Scaffold.Language: ExpressibleByArgument {}
