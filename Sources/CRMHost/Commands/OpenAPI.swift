import ArgumentParser
import CRMCore
import CRMServer

struct OpenAPI: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "openapi", abstract: "Prints the API's OpenAPI document.",
        discussion: "The same that the service serves at /openapi.json.")

    func run() { print(APIServer.openAPI().text) }
}
