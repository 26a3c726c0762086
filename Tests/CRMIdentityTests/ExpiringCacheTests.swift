import CRMCore
import CRMIdentity
import Testing

@Suite struct ExpiringCacheTests {
    private let start = ManualClock.start
    private var cache = ExpiringCache<Int, String>(capacity: 3)

    private mutating func insert(_ key: Int, _ value: String = "x", for lifetime: Duration = .seconds(60), after span: Duration = .zero) {
        cache.insert(value, for: key, until: start + span + lifetime, at: start + span)
    }

    private func keys(of range: ClosedRange<Int>, after span: Duration = .zero) -> [Int] {
        range.filter { cache.value(for: $0, at: start + span) != nil }
    }

    @Test mutating func anEntryEndsAtItsTime() {
        insert(1, for: .seconds(5))
        #expect(cache.value(for: 1, at: start + .seconds(5) - .microseconds(1)) == "x")
        #expect(cache.value(for: 1, at: start + .seconds(5)) == nil)
        #expect(cache.value(for: 2, at: start) == nil)
    }

    @Test mutating func theOldestGoesWhenItIsFull() {
        for key in 1...5 { insert(key) }
        #expect(keys(of: 1...5) == [3, 4, 5])
    }

    @Test mutating func aNewEntryUnderTheSameKeyTakesNoSecondPlace() {
        for key in [1, 2, 3, 1, 1] { insert(key) }
        #expect(keys(of: 1...3) == [1, 2, 3])
        insert(1, "later", for: .seconds(90))
        #expect(cache.value(for: 1, at: start + .seconds(70)) == "later")
    }

    @Test mutating func aRenewedEntryIsNoLongerTheOldest() {
        for key in [1, 2, 3, 1, 4] { insert(key) }
        #expect(keys(of: 1...4) == [1, 3, 4])
    }

    @Test mutating func endedEntriesMakeRoom() {
        insert(1, for: .seconds(5))
        insert(2)
        insert(3)
        insert(4, after: .seconds(5))
        #expect(keys(of: 1...4, after: .seconds(5)) == [2, 3, 4])
    }

    @Test mutating func aLongLifeKeepsTheBound() {
        for number in 0..<10_000 { insert(number % 7, "\(number)") }
        let held = (0..<7).compactMap { cache.value(for: $0, at: start) }
        #expect(Set(held) == ["9997", "9998", "9999"])
    }
}
