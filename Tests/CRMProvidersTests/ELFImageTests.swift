import CRMProviders
import Testing

/// Damage at any place must end in a refusal or in an image that is as good as before, never in a trap.
@Suite("The look at a library before it is loaded")
struct ELFImageTests {
    @Test func survivesWhateverTheBytesAre() async throws {
        let whole = try await library()
        try ELFImage(whole).checkIsProvider()
        var random = SplitMix(state: 0x5EED)
        var refused = 0
        for _ in 0..<6_000 {
            var damaged = whole
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                // All that is looked at first stands near the start.
                let end = Bool.random(using: &random) ? 1_536 : whole.count
                let place = Int.random(in: 0..<end / 8, using: &random) * 8
                switch Int.random(in: 0..<4, using: &random) {
                case 0: damaged[place + Int.random(in: 0..<8, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                case 1: write(UInt64.random(in: 0 ... .max, using: &random), 8, at: place, of: &damaged)
                case 2: write(Self.borders.randomElement(using: &random) ?? 0, 8, at: place, of: &damaged)
                default:
                    let half = Bool.random(using: &random) ? 4 : 0
                    write(Self.borders.randomElement(using: &random) ?? 0, 4, at: place + half, of: &damaged)
                }
            }
            if Int.random(in: 0..<8, using: &random) == 0 { damaged.removeLast(Int.random(in: 1...whole.count, using: &random)) }
            if !isAccepted(damaged) { refused += 1 }
        }
        #expect(refused > 1_000 && refused < 6_000, "\(refused) of 6000 refused: the damage is of no use")
    }

    /// The last number that a hash table can name, in a chain without an end.
    @Test func survivesTheLastSymbol() async throws {
        let whole = try await library()
        var refused = 0
        // Wherever the table stands, with as many buckets as a linker may give to one symbol.
        for place in stride(from: 64, to: 2_048, by: 4) {
            for buckets in 1...3 {
                var damaged = whole
                for word in [4] + (0..<buckets).map({ 24 + 4 * $0 }) { write(.max, 4, at: place + word, of: &damaged) }
                write(0, 4, at: place + 24 + 4 * buckets, of: &damaged)
                if !isAccepted(damaged) { refused += 1 }
            }
        }
        #expect(refused > 0)
    }

    private static let borders: [UInt64] = [
        0, 1, .max, .max - 1, .max >> 1, 1 << 63, 0xFFFF_FFFF, 0xFFFF_FFFE, 0x8000_0000, 0x7FFF_FFFF, 0xFFFF_FFFF << 32,
    ]

    private func library() async throws -> [UInt8] {
        let directories = try ProviderDirectories()
        try await FixtureLibrary.compile(to: directories.library("libFixture.so"))
        return try bytes(of: directories.library("libFixture.so"))
    }

    private func isAccepted(_ bytes: [UInt8]) -> Bool {
        do {
            try ELFImage(bytes).checkIsProvider()
            return true
        } catch {
            return false
        }
    }

    private func write(_ value: UInt64, _ count: Int, at place: Int, of bytes: inout [UInt8]) {
        for index in 0..<count { bytes[place + index] = UInt8(truncatingIfNeeded: value >> UInt64(8 * index)) }
    }
}

/// The same numbers on every run.
private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
