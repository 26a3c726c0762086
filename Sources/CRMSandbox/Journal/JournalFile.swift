import CRMCore
import Glibc

/// The journal on disk, one JSON object a line. Each line is one `write`, so that a killed sandbox leaves whole lines behind.
final class JournalFile {
    private let descriptor: Int32

    init(path: String) throws(SetupError) {
        descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw SetupError("Cannot write the journal file \(path): \(systemErrorText()). Name a file in a directory that exists.")
        }
    }

    deinit { close(descriptor) }

    func append(_ entry: JournalEntry) {
        let line = entry.json.serialized() + [UInt8(ascii: "\n")]
        // A full disk must not stop the imitation; the journal in memory is whole.
        _ = line.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    }
}
