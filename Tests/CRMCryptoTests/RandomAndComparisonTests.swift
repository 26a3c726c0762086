import CRMCrypto
import Testing

@Suite struct RandomAndComparisonTests {
    @Test func randomBytesHaveTheLengthAskedFor() {
        for count in [0, 1, 16, 32, 4_096] { #expect(randomBytes(count).count == count) }
    }

    @Test func randomBytesDoNotRepeat() {
        // Two equal blocks of 16 bytes among a thousand: once in 2^108 runs.
        #expect(Set((0..<1_000).map { _ in randomBytes(16) }).count == 1_000)
    }

    @Test func equalityLooksAtEveryByte() {
        let bytes = Array(UInt8.min...UInt8.max)
        #expect(constantTimeEqual(bytes, bytes))
        #expect(constantTimeEqual([], []))
        for index in bytes.indices {
            var other = bytes
            other[index] ^= 1
            #expect(!constantTimeEqual(bytes, other))
        }
    }

    @Test func differentLengthsAreNotEqual() {
        #expect(!constantTimeEqual([1, 2], [1, 2, 3]))
        #expect(!constantTimeEqual([0], []))
    }
}
