import ArgumentParser
import CRMCore
import CRMProviderKit

struct ProvidersDisable: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "disable", abstract: "Takes a provider out of service: its entry stays, and says so.",
        discussion:
            "What is in flight ends first. What is queued for it is kept and waits; new connections are refused until it is enabled.")

    @Argument(help: "The crm_type, or the entry's file name.") var provider: String

    func run() async throws { try await change(provider, .enabled(false), until: "disabled") }
}

struct ProvidersPause: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause", abstract: "Stops calling a CRM, and keeps accepting what is meant for it.",
        discussion: "For the hours in which a CRM is down or under repair. `resume` ends it.")

    @Argument(help: "The crm_type, or the entry's file name.") var provider: String

    func run() async throws { try await change(provider, .paused(true), until: "paused") }
}

struct ProvidersResume: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "resume", abstract: "Ends a pause: what has waited is sent.")

    @Argument(help: "The crm_type, or the entry's file name.") var provider: String

    func run() async throws { try await change(provider, .paused(false), until: "in_service") }
}

/// Changes one key of one entry, and waits until the running host has followed.
private func change(_ provider: String, _ change: EntryText.Change, until state: String) async throws {
    let configuration = try loadConfiguration()
    let location = try await EntryLocation.find(provider, configuration)
    try location.change(change)
    try await location.follow(configuration) { $0?["state"]?.stringValue == state }
    print("\(location.type): \(state)")
}
