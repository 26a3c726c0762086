/// An e-mail address in the one form in which we store and compare it: trimmed, lower case.
///
/// The local part is case-sensitive on paper only; every CRM that we write to treats `Anna@` and `anna@` as one person, and two
/// spellings would be two lanes of one contact.
package struct EmailAddress: Sendable, Hashable, CustomStringConvertible {
    package let description: String

    /// `nil` unless it looks like `local@domain.tld` within the lengths of RFC 5321. Quoted local parts are refused, as CRMs do.
    package init?(_ text: String) {
        let trimmed = text.trimmed
        guard trimmed.utf8.count <= 254, let at = trimmed.lastIndex(of: "@") else { return nil }
        let local = trimmed[..<at]
        let domain = trimmed[trimmed.index(after: at)...]
        guard (1...64).contains(local.utf8.count), !local.hasPrefix("."), !local.hasSuffix("."), !local.contains(".."),
            local.unicodeScalars.allSatisfy(Self.isLocal), Self.isDomain(domain)
        else { return nil }
        description = trimmed.lowercased()
    }

    /// The atoms of RFC 5322, and letters beyond ASCII (RFC 6531).
    private static func isLocal(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII {
            return scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) || ".!#$%&'*+-/=?^_`{|}~".unicodeScalars.contains(scalar)
        }
        return scalar.properties.isAlphabetic || scalar.properties.numericType != nil
    }

    private static func isDomain(_ text: Substring) -> Bool {
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        guard labels.count >= 2, let top = labels.last, top.unicodeScalars.count >= 2,
            top.unicodeScalars.contains(where: \.properties.isAlphabetic)
        else { return false }
        return labels.allSatisfy { label in
            (1...63).contains(label.utf8.count) && !label.hasPrefix("-") && !label.hasSuffix("-")
                && label.unicodeScalars.allSatisfy { scalar in
                    scalar == "-" || scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)
                        || (!scalar.isASCII && scalar.properties.generalCategory == .nonspacingMark)
                }
        }
    }
}

extension String {
    /// Without white space at both ends.
    package var trimmed: String {
        let kept = drop { $0.isWhitespace }
        guard let last = kept.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return String(kept[...last])
    }
}
