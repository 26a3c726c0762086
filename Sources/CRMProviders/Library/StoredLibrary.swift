package import CRMCore
import Glibc

/// A copy of a library that was in service once.
package struct StoredLibrary: Hashable, Sendable {
    package var crmType: CRMType
    package var version: String
    /// In hexadecimal.
    package var sha256: String
    /// The file's name, as the entry had it.
    package var name: String
    package var path: String
    /// When it was last put into service, in seconds since 1970.
    package var lastUsed: Int
}

extension LibraryStore {
    private struct Copy {
        let sha256: String
        let name: String
        let path: String
        /// When it was put into service, or when a pass last wanted what never was.
        let lastUsed: Int
        let wasServed: Bool
    }

    private struct Shelf: Hashable {
        let name: String
        let wasServed: Bool
    }

    /// Those that were in service, the last used first.
    func libraries(_ records: ProbeRecords) -> [StoredLibrary] {
        copies.compactMap { copy in
            guard copy.wasServed, let descriptor = records.record(of: copy.sha256)?.report.descriptor else { return nil }
            return StoredLibrary(
                crmType: descriptor.crmType, version: descriptor.version, sha256: copy.sha256, name: copy.name, path: copy.path,
                lastUsed: copy.lastUsed)
        }
    }

    /// What stands behind `libraries`: a file beside the copy, whose time is the copy's last start.
    func markServed(sha256: String, library: String) {
        let name = library.split(separator: "/").last.map(String.init) ?? library
        let file = open(mark(sha256, name), O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { return }
        futimens(file, nil)
        close(file)
    }

    private func mark(_ sha256: String, _ name: String) -> String { "\(directory)/\(sha256)/.\(name).served" }

    /// The names of all copies' directories.
    var hashes: [String] { fileNames(in: directory).filter { $0.utf8.count == 64 } }

    /// Leaves so many copies of each library that were in service, as many that never were, and all that are `wanted`; returns the hashes
    /// of what went.
    func prune(keeping limit: Int, of wanted: Set<String>) -> [String] {
        var removed: [String] = []
        for (_, versions) in Dictionary(grouping: copies, by: { Shelf(name: $0.name, wasServed: $0.wasServed) }) {
            for copy in versions.dropFirst(limit) where !wanted.contains(copy.sha256) {
                guard unlink(copy.path) == 0 else { continue }
                unlink(mark(copy.sha256, copy.name))
                // Refused while the same bytes are kept under another name.
                rmdir("\(directory)/\(copy.sha256)")
                removed.append(copy.sha256)
            }
        }
        return removed
    }

    private var copies: [Copy] {
        var found: [(time: timespec, copy: Copy)] = []
        for sha256 in hashes {
            // A name with a dot in front is a mark, or was being written when the host stopped.
            for name in fileNames(in: "\(directory)/\(sha256)") where !name.hasPrefix(".") {
                let path = "\(directory)/\(sha256)/\(name)"
                var status = stat()
                guard stat(path, &status) == 0 else { continue }
                let wasServed = stat(mark(sha256, name), &status) == 0
                found.append(
                    (
                        status.st_mtim,
                        Copy(sha256: sha256, name: name, path: path, lastUsed: status.st_mtim.tv_sec, wasServed: wasServed)
                    ))
            }
        }
        return found.sorted { ($0.time.tv_sec, $0.time.tv_nsec) > ($1.time.tv_sec, $1.time.tv_nsec) }.map(\.copy)
    }
}

/// What stands in a directory, without `.` and `..`.
func fileNames(in directory: String) -> [String] {
    guard let stream = opendir(directory) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let next = readdir(stream) {
        let name = withUnsafeBytes(of: next.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
}
