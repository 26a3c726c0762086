/// RFC 4648 section 4: the alphabet with `+` and `/`, padded to fours.
package enum Base64 {
    package static func encode(_ bytes: [UInt8]) -> String {
        let text = Base64Alphabet.standard.encode(bytes)
        return text + String(repeating: "=", count: (4 - text.utf8.count % 4) % 4)
    }

    /// nil for anything that `encode` would not have written: missing padding, white space, loose trailing bits.
    package static func decode(_ text: some StringProtocol) -> [UInt8]? {
        var symbols = Array(text.utf8)
        guard symbols.count.isMultiple(of: 4) else { return nil }
        let padding = UInt8(ascii: "=")
        for _ in 0..<2 where symbols.last == padding { symbols.removeLast() }
        return Base64Alphabet.standard.decode(symbols)
    }
}

/// RFC 4648 section 5 without padding, as JOSE writes it: the alphabet with `-` and `_`.
package enum Base64URL {
    package static func encode(_ bytes: [UInt8]) -> String {
        Base64Alphabet.urlSafe.encode(bytes)
    }

    /// nil for anything that `encode` would not have written: padding, `+`, `/`, loose trailing bits.
    package static func decode(_ text: some StringProtocol) -> [UInt8]? {
        Base64Alphabet.urlSafe.decode(Array(text.utf8))
    }
}
