import ArgumentParser

/// `crm-host`: one program with the service and what its operators need.
@main
struct CRMHostCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "crm-host",
        abstract: "Connects merchants' CRMs and delivers contacts and events to them.",
        discussion: """
            Settings come from the environment and from .env in the working directory; .env.example lists them.
            A first start: write .env, run `crm-host migrate`, then `crm-host serve`.

            Exit codes: 0 done, 1 failed, 64 wrong usage, 69 the database or a running host cannot be reached,
            78 the configuration cannot be used.
            """,
        subcommands: [Serve.self, Migrate.self, Providers.self, OpenAPI.self])
}

/// The exit codes that the help documents (sysexits.h).
extension ExitCode {
    static let unavailable = ExitCode(69)
    static let configuration = ExitCode(78)
}
