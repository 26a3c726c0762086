/// The variables of a `.env` file: `NAME=value` per line, `#` starts a comment line, a leading `export ` and one pair of matching
/// quotes round a value are taken off.
enum DotEnv {
    static func variables(in text: String) -> [String: String] {
        var variables: [String: String] = [:]
        for line in text.split(whereSeparator: \.isNewline) {
            var entry = line.trimmingSpaces()
            if entry.isEmpty || entry.hasPrefix("#") { continue }
            if entry.hasPrefix("export ") { entry = entry.dropFirst("export ".count).trimmingSpaces() }
            guard let equals = entry.firstIndex(of: "=") else { continue }
            let name = String(entry[..<equals].trimmingSpaces())
            variables[name] = unquoted(entry[entry.index(after: equals)...].trimmingSpaces())
        }
        return variables
    }

    /// Quotes that a shell would have taken off.
    static func unquoted(_ value: Substring) -> String {
        guard value.count >= 2, let first = value.first, first == value.last, first == "\"" || first == "'" else { return String(value) }
        return String(value.dropFirst().dropLast())
    }
}

extension Substring {
    fileprivate func trimmingSpaces() -> Substring {
        var trimmed = drop { $0 == " " || $0 == "\t" }
        while let last = trimmed.last, last == " " || last == "\t" { trimmed.removeLast() }
        return trimmed
    }
}
