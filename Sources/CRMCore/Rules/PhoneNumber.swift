/// A telephone number in E.164: `+306912345678`.
package struct PhoneNumber: Sendable, Hashable, CustomStringConvertible {
    package let description: String

    /// Accepts the usual separators and `00` for `+`. `nil` without a country code: guessing one would reach a stranger.
    package init?(_ text: String) {
        var compact = text.unicodeScalars.filter { !Self.separators.contains($0) }.map(Character.init)
        if compact.starts(with: ["0", "0"]) { compact.replaceSubrange(0..<2, with: ["+"]) }
        let digits = compact.dropFirst()
        guard compact.first == "+", (7...15).contains(digits.count), digits.first != "0",
            digits.allSatisfy({ ("0"..."9").contains($0) })
        else { return nil }
        description = String(compact)
    }

    private static let separators: Set<Unicode.Scalar> = [" ", "\u{A0}", "\u{202F}", "(", ")", "-", "\u{2011}", "\u{2013}", ".", "/"]
}
