import CRMCrypto
import Testing

/// RFC 5869, appendix A.
@Suite struct HKDFTests {
    @Test func basic() {
        let key = hkdfSHA256(key: repeated(0x0B, 22), salt: Array(0x00...0x0C), info: Array(0xF0...0xF9), length: 42)
        #expect(
            key == hex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"))
    }

    @Test func longerInputsAndOutput() {
        let key = hkdfSHA256(key: Array(0x00...0x4F), salt: Array(0x60...0xAF), info: Array(0xB0...0xFF), length: 82)
        #expect(
            key
                == hex(
                    """
                    b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09
                    da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87
                    """))
    }

    @Test func noSaltAndNoInfo() {
        let key = hkdfSHA256(key: repeated(0x0B, 22), salt: [], info: [], length: 42)
        #expect(
            key == hex("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"))
    }

    @Test func shorterOutputsAreBeginningsOfLongerOnes() {
        let longest = hkdfSHA256(key: [1], salt: [2], info: [3], length: 255 * 32)
        #expect(longest.count == 8_160)
        for length in [0, 1, 31, 32, 33, 64, 8_159] {
            #expect(hkdfSHA256(key: [1], salt: [2], info: [3], length: length) == Array(longest.prefix(length)))
        }
    }

    @Test func everyInputMatters() {
        let base = hkdfSHA256(key: [1], salt: [2], info: [3], length: 32)
        #expect(base != hkdfSHA256(key: [9], salt: [2], info: [3], length: 32))
        #expect(base != hkdfSHA256(key: [1], salt: [9], info: [3], length: 32))
        #expect(base != hkdfSHA256(key: [1], salt: [2], info: [9], length: 32))
    }
}
