import FoundationEssentials
import Glibc

/// A directory with the given files, removed when nobody holds it any more.
final class TemporaryFiles {
    let path: String

    init(_ files: [(name: String, text: String)]) throws {
        var template = Array("/tmp/crm-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw CocoaError(.fileWriteUnknown) }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        for (name, text) in files { try Data(text.utf8).write(to: URL(filePath: path + "/" + name)) }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
