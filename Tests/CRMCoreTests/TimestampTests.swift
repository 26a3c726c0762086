import CRMCore
import FoundationEssentials
import Testing

@Suite struct TimestampTests {
    @Test(
        arguments: [
            ("1970-01-01T00:00:00Z", 0), ("2026-11-22T19:35:55.123456Z", 1_795_376_155_123_456),
            ("2000-02-29T12:00:00+02:00", 951_818_400_000_000),
            ("1969-12-31T23:59:59.5Z", -500_000), ("2026-11-22t19:35:55z", 1_795_376_155_000_000),
            ("1900-03-01T00:00:00Z", -2_203_891_200_000_000),
        ] as [(String, Int64)])
    func readsRFC3339(text: String, microseconds: Int64) {
        #expect(Timestamp(rfc3339: text)?.microseconds == microseconds)
    }

    @Test(arguments: [
        "", "2026-11-22", "2026-11-22T19:35:55", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-11-22T24:00:00Z",
        "2026-11-22T19:35:55.Z", "2026-11-22T19:35:55+2:00", "2026-11-22T19:35:55Z ", "26-11-22T19:35:55Z", "２026-11-22T19:35:55Z",
    ])
    func refusesOtherTexts(text: String) {
        #expect(Timestamp(rfc3339: text) == nil)
    }

    @Test func writesMilliseconds() {
        #expect(Timestamp(microseconds: 1_795_376_155_123_456).description == "2026-11-22T19:35:55.123Z")
        #expect(Timestamp(microseconds: -500_000).description == "1969-12-31T23:59:59.500Z")
    }

    @Test func everyDayOfFourHundredYearsComesBack() {
        for day in stride(from: Int64(-146_097), to: 146_097, by: 1) {
            let moment = Timestamp(seconds: day * 86_400)
            #expect(Timestamp(rfc3339: moment.description) == moment)
        }
    }

    @Test func version7IdentifiersAreOrderedByTheirTime() {
        let random = [UInt8](repeating: 0xFF, count: 10)
        let first = UUID.v7(at: Timestamp(microseconds: 1_795_376_155_123_000), random: random)
        let second = UUID.v7(at: Timestamp(microseconds: 1_795_376_155_124_000), random: [UInt8](repeating: 0, count: 10))
        #expect(first.uuidString < second.uuidString)
        #expect(first.v7Time == Timestamp(microseconds: 1_795_376_155_123_000))
        #expect(first.bytes[6] >> 4 == 7 && first.bytes[8] >> 6 == 2)
    }

    @Test func retryAfterRoundsUp() {
        #expect(Duration.milliseconds(1).secondsRoundedUp == 1)
        #expect(Duration.seconds(3).secondsRoundedUp == 3)
        #expect(Duration.milliseconds(3_001).secondsRoundedUp == 4)
    }
}

@Suite struct SecretTests {
    @Test func showsNothing() {
        let secret = Secret("pk_1234")
        #expect("\(secret)" == "<redacted>" && String(reflecting: secret) == "<redacted>")
        var dumped = ""
        dump(secret, to: &dumped)
        #expect(!dumped.contains("pk_1234") && !dumped.contains("112"))
        #expect(secret.withBytes { $0 } == Array("pk_1234".utf8))
    }
}
