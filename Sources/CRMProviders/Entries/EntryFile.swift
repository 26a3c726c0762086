import Glibc

/// One file of `providers.d`, read.
struct EntryFile {
    let name: String
    let entry: Result<ProviderEntry, ProviderEntryError>

    /// All entries of a directory in the order of their names.
    static func all(in directory: String) throws(LibraryError) -> [EntryFile] {
        guard let stream = opendir(directory) else { throw LibraryError(.entries, "\(directory): \(systemMessage())") }
        defer { closedir(stream) }
        var names: [String] = []
        while let next = readdir(stream) {
            let name = withUnsafeBytes(of: next.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            // Editors leave hidden files and copies behind.
            if !name.hasPrefix("."), name.hasSuffix(".yaml") || name.hasSuffix(".yml") { names.append(name) }
        }
        return names.sorted().map { EntryFile(name: $0, path: "\(directory)/\($0)") }
    }

    private init(name: String, path: String) {
        self.name = name
        do throws(ProviderEntryError) {
            entry = .success(try ProviderEntry(yaml: Self.text(path)))
        } catch {
            entry = .failure(error)
        }
    }

    private static func text(_ path: String) throws(ProviderEntryError) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw ProviderEntryError("cannot be opened: \(systemMessage())") }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { throw ProviderEntryError("is not a regular file") }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw ProviderEntryError("cannot be read: \(systemMessage())") }
            if count == 0 { break }
            bytes += buffer[..<count]
            guard bytes.count <= ProviderEntry.maximumBytes else { throw ProviderEntryError("is too large") }
        }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw ProviderEntryError("is not UTF-8 text") }
        return text
    }
}
