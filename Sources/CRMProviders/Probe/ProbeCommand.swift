/// The program that tries a library in a process of its own; the library's path is its last argument.
package struct ProbeCommand: Hashable, Sendable {
    package var executable: String
    package var arguments: [String]

    /// By itself the program that runs now, which as `crm-host` has the subcommand.
    package init(executable: String = "/proc/self/exe", arguments: [String] = ["providers", "probe"]) {
        self.executable = executable
        self.arguments = arguments
    }
}
