import CRMCore

/// The newest events of all accounts with all that they carried, for looking at; bounded in number and in bytes. Which events an
/// account has seen does not depend on it.
final class KlaviyoEventLog {
    struct Entry {
        let id: String
        let account: String
        let profileID: String
        let metric: String
        let time: Timestamp
        let properties: [UInt8]

        fileprivate var size: Int { properties.count + 200 }
    }

    private static let countLimit = 50_000
    private static let byteLimit = 64_000_000

    private var entries: [Entry] = []
    /// Entries before it are let go; the array is cut when half of it is.
    private var start = 0
    private var bytes = 0

    func append(_ entry: Entry) {
        entries.append(entry)
        bytes += entry.size
        while entries.count - start > Self.countLimit || bytes > Self.byteLimit && entries.count - start > 1 {
            bytes -= entries[start].size
            start += 1
        }
        if start > entries.count / 2, start > 1_000 {
            entries.removeFirst(start)
            start = 0
        }
    }

    /// Newest first.
    func entries(of account: String) -> [Entry] { entries[start...].reversed().filter { $0.account == account } }

    func forget(account: String?) {
        entries = account.map { account in entries[start...].filter { $0.account != account } } ?? []
        start = 0
        bytes = entries.reduce(0) { $0 + $1.size }
    }
}
