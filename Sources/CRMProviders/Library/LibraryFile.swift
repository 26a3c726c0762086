import CRMCrypto
import Glibc

/// The bytes of a library as they were at one moment, and what they hash to.
struct LibraryFile: Sendable {
    let path: String
    let bytes: [UInt8]
    let sha256: [UInt8]

    private static let maximumBytes = 512 << 20

    var hexadecimal: String { hexadecimalText(sha256) }
    var name: String { path.split(separator: "/").last.map(String.init) ?? path }

    init(path: String) throws(LibraryError) {
        let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            switch errno {
            case ENOENT: throw LibraryError(.fileReadable, "\(path) does not exist")
            case ELOOP: throw LibraryError(.fileRegular, "\(path) is a symbolic link", fix: "name the file itself")
            default: throw LibraryError(.fileReadable, "\(path) cannot be opened: \(systemMessage())")
            }
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw LibraryError(.fileReadable, "\(path) cannot be examined: \(systemMessage())") }
        guard status.st_mode & S_IFMT == S_IFREG else { throw LibraryError(.fileRegular, "\(path) is not a regular file") }
        guard status.st_mode & S_IWOTH == 0 else {
            throw LibraryError(.fileNotWritable, "\(path) may be written by everybody", fix: "chmod o-w it")
        }
        try Self.checkFolder(of: path)
        guard status.st_size > 0, status.st_size <= Self.maximumBytes else {
            throw LibraryError(.fileRegular, "\(path) is empty or too large")
        }

        bytes = try readAll(descriptor, expecting: Int(status.st_size), path: path)
        sha256 = SHA256.hash(bytes)
        self.path = path
    }

    func image() throws(LibraryError) -> ELFImage {
        do {
            return try ELFImage(bytes)
        } catch {
            throw LibraryError(.elfFormat, "\(name) is not a 64-bit ELF library, or it is damaged or not complete")
        }
    }

    /// Who may write into the folder may put another file in the library's place.
    private static func checkFolder(of path: String) throws(LibraryError) {
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) + "/" } ?? "."
        var status = stat()
        guard stat(folder, &status) == 0 else { throw LibraryError(.fileReadable, "\(folder) cannot be examined: \(systemMessage())") }
        guard status.st_mode & S_IWOTH == 0 || status.st_mode & S_ISVTX != 0 else {
            throw LibraryError(.fileNotWritable, "everybody may put files into \(folder)", fix: "chmod o-w it")
        }
    }
}

/// Reads a file that may still grow: no more than was expected, and fewer is an error.
private func readAll(_ descriptor: Int32, expecting count: Int, path: String) throws(LibraryError) -> [UInt8] {
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
        while filled < count {
            let got = read(descriptor, buffer.baseAddress.map { $0 + filled }, count - filled)
            if got < 0 && errno == EINTR { continue }
            if got <= 0 { break }
            filled += got
        }
    }
    guard bytes.count == count else { throw LibraryError(.fileComplete, "\(path) changed while it was read") }
    return bytes
}

func systemMessage(_ code: Int32 = errno) -> String { String(cString: strerror(code)) }

func hexadecimalText(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}
