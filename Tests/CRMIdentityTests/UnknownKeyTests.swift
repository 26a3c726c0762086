import CRMCore
import CRMIdentity
import Testing

@Suite("Keys: ids that nobody publishes", .timeLimit(.minutes(1))) struct UnknownKeyTests {
    let rig: Rig
    let first: SigningKey
    let second: SigningKey

    init() throws {
        rig = try Rig()
        first = try SigningKey.first.get()
        second = try SigningKey.second.get()
    }

    private func known(_ id: String) async throws(IdentityError) -> Bool { try await rig.keys.key(id) != nil }

    @Test func aNewKeyIsFetchedWhenItsFirstTokenArrives() async throws {
        #expect(try await known(first.id))
        await rig.source.answer(.document(KeyDocument(first.jwk, second.jwk)))
        rig.clock.advance(by: .seconds(10))
        #expect(try await known(second.id))
        #expect(await rig.source.fetches == 2)
    }

    @Test func oneFetchPerTenSecondsWhateverArrives() async throws {
        #expect(try await known(first.id))
        for number in 0..<600 {
            rig.clock.advance(by: .milliseconds(100))
            #expect(try await known("stranger-\(number)") == false)
        }
        // The first one, and six in the minute after it.
        #expect(await rig.source.fetches == 7)
    }

    @Test func anAbsentKeyIsRememberedForAMinute() async throws {
        #expect(try await known(first.id))
        rig.clock.advance(by: .seconds(10))
        #expect(try await known(second.id) == false)
        #expect(await rig.source.fetches == 2)
        await rig.source.answer(.document(KeyDocument(first.jwk, second.jwk)))
        rig.clock.advance(by: .seconds(60) - .microseconds(1))
        #expect(try await known(second.id) == false)
        #expect(await rig.source.fetches == 2)
        rig.clock.advance(by: .microseconds(1))
        #expect(try await known(second.id))
        #expect(await rig.source.fetches == 3)
    }

    @Test func anIDRefusedWithoutAFetchIsNotRemembered() async throws {
        #expect(try await known(first.id))
        rig.clock.advance(by: .seconds(9))
        #expect(try await known(second.id) == false)
        #expect(await rig.source.fetches == 1)
        await rig.source.answer(.document(KeyDocument(first.jwk, second.jwk)))
        rig.clock.advance(by: .seconds(1))
        #expect(try await known(second.id))
    }

    @Test func aPublishedKeyIsFoundThoughItWasRememberedAsAbsent() async throws {
        #expect(try await known(first.id))
        rig.clock.advance(by: .seconds(10))
        #expect(try await known(second.id) == false)
        await rig.source.answer(.document(KeyDocument(first.jwk, second.jwk)))
        rig.clock.advance(by: .seconds(10))
        #expect(try await known("another") == false)
        #expect(try await known(second.id))
    }

    @Test func knownKeysDoNotWaitForTheSearch() async throws {
        #expect(try await known(first.id))
        rig.clock.advance(by: .seconds(10))
        await rig.source.shutGate()
        let keys = rig.keys
        let search = Task { try await keys.key("stranger") != nil }
        try await eventually { await rig.source.fetches == 2 }
        // The gate is shut until here: an answer means that nobody waited.
        for _ in 0..<100 { #expect(try await known(first.id)) }
        await rig.source.openGate()
        #expect(try await search.value == false)
    }

    @Test func aFreshSetDecidesThoughTheServerIsAway() async throws {
        #expect(try await known(first.id))
        await rig.source.answer(.failure)
        rig.clock.advance(by: .seconds(10))
        #expect(try await known("stranger") == false)
        #expect(await rig.source.fetches == 2)
    }

    @Test func aStaleSetCannotTell() async throws {
        #expect(try await known(first.id))
        await rig.source.answer(.failure)
        rig.clock.advance(by: .seconds(2 * 3_600))
        await #expect(throws: IdentityError.keysUnavailable(retryAfter: .seconds(10))) { try await known("stranger") }
        await #expect(throws: IdentityError.keysUnavailable(retryAfter: .seconds(10))) { try await known("stranger") }
        #expect(try await known(first.id))
        #expect(await rig.source.fetches == 2)
    }
}
