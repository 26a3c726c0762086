package import CRMProviders

/// The text of an entry in `providers.d`, changed key by key: what an operator wrote beside it, comments included, stays.
///
/// YAML has more spellings than an edit of lines knows. So every change is checked: the text must read as the entry that was meant, or it
/// is refused.
package struct EntryText: Sendable {
    package enum Change: Sendable {
        case library(String)
        case sha256(String)
        case enabled(Bool)
        case paused(Bool)
    }

    /// Why a text is not changed: what the operator does instead.
    package struct Refusal: Error, CustomStringConvertible {
        package let description: String
    }

    package private(set) var text: String
    /// What the text says.
    package private(set) var entry: ProviderEntry

    package init(_ text: String) throws(Refusal) {
        self.text = text
        entry = try Self.read(text)
    }

    /// A new entry for a library that was enabled by its path.
    package init(library: String, sha256: String, egress: [String]) throws(Refusal) {
        for rule in egress where !rule.utf8.allSatisfy(Self.isPlain) {
            throw Refusal(description: "its manifest's egress has a rule that is no host with a port")
        }
        let allowed = egress.map { "\"\($0)\"" }.joined(separator: ", ")
        try self.init("library: \"\(library)\"\nsha256: \(sha256)\nenabled: true\negress:\n  allow: [\(allowed)]\n")
    }

    package mutating func apply(_ change: Change) throws(Refusal) {
        var meant = entry
        let (key, value): (String, String?) =
            switch change {
            case .library(let name): ("library", "\"\(name)\"")
            case .sha256(let hash): ("sha256", hash)
            case .enabled(let isEnabled): ("enabled", isEnabled ? "true" : "false")
            case .paused(let isPaused): ("paused", isPaused ? "true" : nil)
            }
        switch change {
        case .library(let name): meant.library = name
        case .sha256(let hash): meant.sha256 = hash
        case .enabled(let isEnabled): meant.isEnabled = isEnabled
        case .paused(let isPaused): meant.isPaused = isPaused
        }
        let changed = Self.setting(key, to: value, in: text)
        guard let read = try? Self.read(changed), read == meant else {
            throw Refusal(
                description: "it is written in a way that cannot be changed here; write `\(key): \(value ?? "false")` into it by hand")
        }
        (text, entry) = (changed, meant)
    }

    private static func read(_ text: String) throws(Refusal) -> ProviderEntry {
        do throws(ProviderEntryError) {
            return try ProviderEntry(yaml: text)
        } catch {
            throw Refusal(description: "it is no entry: \(error)")
        }
    }

    private static func setting(_ key: String, to value: String?, in text: String) -> String {
        // By scalars: to Swift the two bytes at the end of a line of Windows are one character, which is no line feed.
        var lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).map {
            String(String.UnicodeScalarView($0))
        }
        let isWindows = lines.first?.unicodeScalars.last == "\r"
        let made = value.map { "\(key): \($0)" }
        if let index = lines.firstIndex(where: { $0.hasPrefix("\(key):") }) {
            let comment = lines[index].firstRange(of: " #").map { String(lines[index][$0.lowerBound...]) }
            let end = comment ?? (isWindows ? "\r" : "")
            if let made { lines[index] = made + end } else { lines.remove(at: index) }
        } else if let made {
            // Beside the library, which every entry names.
            let index = (lines.firstIndex { $0.hasPrefix("library:") } ?? -1) + 1
            lines.insert(made + (isWindows ? "\r" : ""), at: index)
        }
        return lines.joined(separator: "\n")
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        case UInt8(ascii: "."), UInt8(ascii: "*"), UInt8(ascii: ":"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "/"): true
        default: false
        }
    }
}
