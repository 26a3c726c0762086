internal import Glibc

extension Scaffold {
    /// Writes the package into a directory that must not be there yet, or be empty. All of it, or nothing.
    package func write(to directory: String) throws(Refusal) {
        try Self.make(directory)
        guard Self.isEmpty(directory) else {
            throw Refusal(description: "\(directory) is there already and is not empty; name another place with --directory.")
        }
        var made: [String] = []
        do {
            for (path, bytes) in files() {
                let target = "\(directory)/\(path)"
                if let slash = target.lastIndex(of: "/") { try Self.make(String(target[..<slash])) }
                made.append(target)
                try Self.write(bytes, to: target)
            }
        } catch {
            for path in made { unlink(path) }
            throw error
        }
    }

    private static func isEmpty(_ directory: String) -> Bool {
        guard let stream = opendir(directory) else { return false }
        defer { closedir(stream) }
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            if name != ".", name != ".." { return false }
        }
        return true
    }

    private static func make(_ directory: String) throws(Refusal) {
        var path = ""
        for part in directory.split(separator: "/", omittingEmptySubsequences: false) {
            path += path.isEmpty && !directory.hasPrefix("/") ? "\(part)" : (part.isEmpty ? "" : "/\(part)")
            guard !path.isEmpty else { continue }
            if mkdir(path, 0o755) != 0, errno != EEXIST { throw refusal("\(path) cannot be made") }
        }
    }

    private static func write(_ bytes: [UInt8], to path: String) throws(Refusal) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw refusal("\(path) cannot be made") }
        defer { close(descriptor) }
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw refusal("\(path) cannot be written") }
            written += count
        }
    }

    private static func refusal(_ what: String) -> Refusal { Refusal(description: "\(what): \(String(cString: strerror(errno))).") }
}
