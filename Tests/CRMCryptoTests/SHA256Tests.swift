import CRMCrypto
import Testing

/// FIPS 180-4, the examples published with it.
@Suite struct SHA256Tests {
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
        (
            "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
                + "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
            "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"
        ),
    ])
    func publishedExamples(text: String, digest: String) {
        #expect(SHA256.hash(Array(text.utf8)) == hex(digest))
    }

    @Test func aMillionLettersInUnevenPieces() {
        var hash = SHA256()
        var left = 1_000_000
        var piece = 1
        while left > 0 {
            let count = min(piece, left)
            hash.update(repeated(UInt8(ascii: "a"), count))
            left -= count
            piece = piece * 3 % 4_099 + 1
        }
        #expect(hash.finish() == hex("cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"))
    }

    @Test func piecesNeedNotBeArrays() {
        var hash = SHA256()
        hash.update(Array("xxab".utf8)[2...])
        hash.update([UInt8]())
        hash.update("c".utf8.lazy.map { $0 })
        #expect(hash.finish() == SHA256.hash(Array("abc".utf8)))
    }
}
