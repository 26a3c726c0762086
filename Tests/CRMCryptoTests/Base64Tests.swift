import CRMCrypto
import Testing

@Suite struct Base64Tests {
    /// RFC 4648, section 10.
    static let published = [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ]

    @Test(arguments: published)
    func publishedVectors(text: String, encoded: String) {
        #expect(Base64.encode(Array(text.utf8)) == encoded)
        #expect(Base64.decode(encoded) == Array(text.utf8))
        let unpadded = encoded.filter { $0 != "=" }
        #expect(Base64URL.encode(Array(text.utf8)) == unpadded)
        #expect(Base64URL.decode(unpadded) == Array(text.utf8))
    }

    @Test func theTwoAlphabetsDifferInTwoSymbols() {
        #expect(Base64.encode([0xFB, 0xEF, 0xFF]) == "++//")
        #expect(Base64URL.encode([0xFB, 0xEF, 0xFF]) == "--__")
        #expect(Base64.decode("--__") == nil)
        #expect(Base64URL.decode("++//") == nil)
    }

    @Test(arguments: ["Zg", "Zg=", "Zg===", "Z===", "====", "Zh==", "Zm9=", "Zm 9", "Zm9v\n", "Zg==Zg==", "Zm9vé", "=Zg="])
    func paddedFormRefuses(text: String) {
        #expect(Base64.decode(text) == nil)
    }

    @Test(arguments: ["Z", "Zm9vY", "Zg==", "Zh", "Zm9", "Zm9v ", "Zm\n9", "Z.g", "Zm9vé", "Zm\u{0}9"])
    func unpaddedFormRefuses(text: String) {
        #expect(Base64URL.decode(text) == nil)
    }

    @Test func everyLengthAndByteComesBack() {
        let bytes = (0..<300).map { UInt8(truncatingIfNeeded: $0 &* 167) }
        for length in 0...bytes.count {
            let part = Array(bytes.prefix(length))
            #expect(Base64.decode(Base64.encode(part)) == part)
            #expect(Base64URL.decode(Base64URL.encode(part)) == part)
        }
    }

    @Test func aSliceOfTextIsDecodedAlone() {
        #expect(Base64URL.decode("Zm9v.Zm8".split(separator: ".")[1]) == Array("fo".utf8))
    }
}
