import Glibc

/// The dynamic linker looks for a name without a slash in the system's directories: a path is made absolute before anybody opens it.
func libraryPath(_ text: String) -> String {
    guard !text.hasPrefix("/"), let directory = getcwd(nil, 0) else { return text }
    defer { free(directory) }
    return "\(String(cString: directory))/\(text)"
}
