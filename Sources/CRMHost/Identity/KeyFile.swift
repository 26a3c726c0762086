import CRMIdentity
import Glibc

/// Keeps the last good key set in the state directory, readable and writable by this user alone.
struct KeyFile: KeyPersisting {
    private let path: String

    init(stateDirectory: String) { path = stateDirectory + "/firebase-keys.json" }

    struct Failure: Error, CustomStringConvertible {
        let description: String

        init(_ action: String, _ path: String) {
            description = "cannot \(action) \(path): \(String(cString: strerror(errno)))"
        }
    }

    func load() async throws -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        if descriptor < 0 {
            if errno == ENOENT { return nil }
            throw Failure("read", path)
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_uid == geteuid(), status.st_mode & 0o022 == 0 else {
            errno = EPERM
            throw Failure("trust", path)
        }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count == 0 { return bytes }
            guard count > 0, bytes.count < 1 << 20 else { throw Failure("read", path) }
            bytes += buffer[..<count]
        }
    }

    /// Whole or not at all: a new file takes the old one's place.
    func save(_ bytes: [UInt8]) async throws {
        let draft = path + ".new"
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw Failure("write", draft) }
        let written = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        let synced = fsync(descriptor)
        close(descriptor)
        guard written == bytes.count, synced == 0, rename(draft, path) == 0 else { throw Failure("write", path) }
    }
}
