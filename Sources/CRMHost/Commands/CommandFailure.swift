/// Why a command that was well understood did not do what it was asked for, and what to do about it. Exit code 1.
struct CommandFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
