import CRMCore
import CRMCrypto
import CRMStore
import Testing

@Suite struct KeyRingTests {
    @Test func readsBothFormsOfAKey() throws {
        let raw = Array(repeating: UInt8(0), count: 31) + [255]
        _ = try KeyRing(file: Secret("# ours\n\n1: 0123456789abcdef0123456789abc:ef\n 2 : base64:\(Base64.encode(raw))\r\n"))
    }

    @Test(arguments: [
        ("", KeyRingError.empty), ("# nothing\n", .empty),
        ("1: short", .wrongLength(kid: 1, 5)), ("1 0123456789abcdef0123456789abcdef", .malformedLine(number: 1)),
        ("x: 0123456789abcdef0123456789abcdef", .malformedLine(number: 1)),
        ("\n1: base64:!!!!", .malformedLine(number: 2)),
        ("1: 0123456789abcdef0123456789abcdef\n1: 0123456789abcdef0123456789abcdef", .malformedLine(number: 2)),
        ("1: 0123456789abcdef 123456789abcdef", .malformedLine(number: 1)),
    ])
    func refusesWhatIsNoKey(text: String, error: KeyRingError) {
        #expect(throws: error) { _ = try KeyRing(file: Secret(text)) }
    }

    @Test func aSingleKeyHas32Bytes() throws {
        _ = try KeyRing(single: Secret("0123456789abcdef0123456789abcdef"))
        #expect(throws: KeyRingError.wrongLength(kid: 1, 31)) { _ = try KeyRing(single: Secret("0123456789abcdef0123456789abcde")) }
    }
}
