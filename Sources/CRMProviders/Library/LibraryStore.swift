import CRMCrypto
import Glibc

/// Private copies of libraries, named by their content: what is loaded from here can be neither overwritten nor confused with an older
/// file of the same name, which the dynamic linker would hand out again.
struct LibraryStore: Sendable {
    /// `$CRM_STATE_DIR/store`.
    let directory: String

    /// Returns the path of the copy, made now or found intact.
    func keep(_ file: LibraryFile) throws(LibraryError) -> String {
        let folder = "\(directory)/\(file.hexadecimal)"
        try makeDirectory(directory)
        try makeDirectory(folder)
        let path = "\(folder)/\(file.name)"
        if (try? LibraryFile(path: path))?.sha256 == file.sha256 { return path }
        try write(file.bytes, to: path, in: folder)
        guard try LibraryFile(path: path).sha256 == file.sha256 else { throw LibraryError("the copy \(path) is not what was written") }
        return path
    }

    private func makeDirectory(_ path: String) throws(LibraryError) {
        var made = ""
        for part in path.split(separator: "/", omittingEmptySubsequences: false) {
            made += made.isEmpty && part.isEmpty ? "/" : (made.isEmpty || made.hasSuffix("/") ? "\(part)" : "/\(part)")
            guard !part.isEmpty else { continue }
            if mkdir(made, 0o700) != 0 && errno != EEXIST { throw LibraryError("\(made) cannot be made: \(systemMessage())") }
        }
    }

    /// Readers see the whole file or none, also after a power cut.
    private func write(_ bytes: [UInt8], to path: String, in folder: String) throws(LibraryError) {
        let temporary = "\(folder)/.\(hexadecimalText(randomBytes(8)))"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o500)
        guard descriptor >= 0 else { throw LibraryError("\(temporary) cannot be made: \(systemMessage())") }
        var written = 0
        bytes.withUnsafeBytes { buffer in
            while written < buffer.count {
                let count = Glibc.write(descriptor, buffer.baseAddress.map { $0 + written }, buffer.count - written)
                if count < 0 && errno == EINTR { continue }
                if count <= 0 { break }
                written += count
            }
        }
        let isSafe = written == bytes.count && fsync(descriptor) == 0
        guard close(descriptor) == 0, isSafe, rename(temporary, path) == 0 else {
            let message = systemMessage()
            unlink(temporary)
            throw LibraryError("\(path) cannot be written: \(message)")
        }
        let parent = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if parent >= 0 {
            fsync(parent)
            close(parent)
        }
    }
}
