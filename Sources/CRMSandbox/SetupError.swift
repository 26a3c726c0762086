import Glibc

/// Why the sandbox cannot start, in a sentence that says what to do.
struct SetupError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// The C library's words for the last failed call.
func systemErrorText() -> String { String(cString: strerror(errno)) }
