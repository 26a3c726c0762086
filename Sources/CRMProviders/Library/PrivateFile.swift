import CRMCrypto
import Glibc

/// Makes a directory that only we may enter, with all that lead to it.
func makePrivateDirectory(_ path: String) throws(LibraryError) {
    var made = ""
    for part in path.split(separator: "/", omittingEmptySubsequences: false) {
        made += made.isEmpty && part.isEmpty ? "/" : (made.isEmpty || made.hasSuffix("/") ? "\(part)" : "/\(part)")
        guard !part.isEmpty else { continue }
        if mkdir(made, 0o700) != 0 && errno != EEXIST { throw LibraryError(.store, "\(made) cannot be made: \(systemMessage())") }
    }
}

/// Readers see the whole file or none, also after a power cut.
func writePrivately(_ bytes: [UInt8], to path: String, in folder: String, mode: mode_t) throws(LibraryError) {
    let temporary = "\(folder)/.\(hexadecimalText(randomBytes(8)))"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)
    guard descriptor >= 0 else { throw LibraryError(.store, "\(temporary) cannot be made: \(systemMessage())") }
    var written = 0
    bytes.withUnsafeBytes { buffer in
        while written < buffer.count {
            let count = write(descriptor, buffer.baseAddress.map { $0 + written }, buffer.count - written)
            if count < 0 && errno == EINTR { continue }
            if count <= 0 { break }
            written += count
        }
    }
    let isSafe = written == bytes.count && fsync(descriptor) == 0
    guard close(descriptor) == 0, isSafe, rename(temporary, path) == 0 else {
        let message = systemMessage()
        unlink(temporary)
        throw LibraryError(.store, "\(path) cannot be written: \(message)")
    }
    let parent = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if parent >= 0 {
        fsync(parent)
        close(parent)
    }
}
