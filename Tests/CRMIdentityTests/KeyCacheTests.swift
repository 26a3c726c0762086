import CRMCore
import CRMCrypto
import CRMIdentity
import Testing

@Suite("Keys: fetch, refresh, outage", .timeLimit(.minutes(1))) struct KeyCacheTests {
    let rig: Rig
    let first: SigningKey
    let second: SigningKey

    init() throws {
        rig = try Rig()
        first = try SigningKey.first.get()
        second = try SigningKey.second.get()
    }

    private func known(_ id: String) async throws(IdentityError) -> Bool { try await rig.keys.key(id) != nil }

    @Test func theFirstQuestionFetchesAndTheNextDoNot() async throws {
        for _ in 0..<50 { #expect(try await known(first.id)) }
        #expect(await rig.source.fetches == 1)
        #expect(rig.events.events == [.keysRefreshed(count: 1, lifetime: .seconds(3_600))])
    }

    @Test func thePublishedKeyIsTheOneReturned() async throws {
        let key = try #require(try await rig.keys.key(first.id))
        #expect(key.modulus == first.key.publicKey.modulus)
    }

    @Test func aHundredFirstQuestionsFetchOnce() async throws {
        await rig.source.shutGate()
        let keys = rig.keys
        let id = first.id
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<100 { group.addTask { try await keys.key(id) != nil } }
            try await eventually { await rig.source.fetches == 1 }
            await rig.source.openGate()
            for try await isKnown in group { #expect(isKnown) }
        }
        #expect(await rig.source.fetches == 1)
    }

    @Test func aCallerThatGivesUpDoesNotEndTheFetch() async throws {
        await rig.source.shutGate()
        let keys = rig.keys
        let id = first.id
        let impatient = Task { try await keys.key(id) != nil }
        try await eventually { await rig.source.fetches == 1 }
        impatient.cancel()
        await rig.source.openGate()
        #expect(try await impatient.value)
        #expect(try await known(first.id))
        #expect(await rig.source.fetches == 1)
    }

    // MARK: Refresh

    @Test func keysAreRefreshedAtThreeQuartersOfTheirLife() async throws {
        #expect(try await known(first.id))
        rig.clock.advance(by: .seconds(2_699))
        #expect(try await known(first.id))
        #expect(await rig.source.fetches == 1)
        rig.clock.advance(by: .seconds(1))
        #expect(try await known(first.id))
        try await eventually { rig.events.refreshes == 2 }
        #expect(await rig.source.fetches == 2)
    }

    @Test(arguments: [(0.0, 2_520), (0.5, 2_700), (1.0, 2_880)])
    func jitterSpreadsTheRefresh(jitter: Double, seconds: Int) async throws {
        let clock = ManualClock()
        let source = ScriptedSource(.document(KeyDocument(first.jwk)))
        let keys = FirebaseKeyCache(source: source, store: nil, now: clock.wallClock, jitter: { jitter }, report: { _ in })
        await keys.refreshIfDue()
        clock.advance(by: .seconds(seconds - 1))
        await keys.refreshIfDue()
        #expect(await source.fetches == 1)
        clock.advance(by: .seconds(1))
        await keys.refreshIfDue()
        #expect(await source.fetches == 2)
    }

    @Test func aKnownKeyDoesNotWaitForTheRefresh() async throws {
        #expect(try await known(first.id))
        rig.clock.advance(by: .seconds(3_000))
        await rig.source.shutGate()
        // These would hang if they waited: the gate opens after them.
        for _ in 0..<10 { #expect(try await known(first.id)) }
        try await eventually { await rig.source.fetches == 2 }
        #expect(try await known(first.id))
        await rig.source.openGate()
        try await eventually { rig.events.refreshes == 2 }
        #expect(await rig.source.fetches == 2)
    }

    @Test func aNewSetReplacesTheOldOne() async throws {
        #expect(try await known(first.id))
        await rig.source.answer(.document(KeyDocument(second.jwk)))
        rig.clock.advance(by: .seconds(2_700))
        await rig.keys.refreshIfDue()
        #expect(try await known(second.id))
        #expect(try await known(first.id) == false)
    }

    @Test func refreshingWithoutTrafficFollowsThePlan() async throws {
        let clock = rig.clock
        let until = clock.now + .seconds(3 * 3_600)
        await rig.keys.run { span in
            #expect(span >= .seconds(1) && span <= .seconds(60))
            clock.advance(by: span)
            if clock.now >= until { throw CancellationError() }
        }
        // At 0, 2,700, 5,400 and 8,100 of 10,800 seconds.
        #expect(await rig.source.fetches == 4)
        #expect(await rig.keys.readiness == .fresh)
    }

    // MARK: Outage

    @Test func staleKeysServeForSixHours() async throws {
        #expect(try await known(first.id))
        await rig.source.answer(.failure)
        rig.clock.advance(by: .seconds(2_700))
        await rig.keys.refreshIfDue()
        #expect(await rig.keys.readiness == .fresh)
        rig.clock.advance(by: .seconds(900))
        #expect(await rig.keys.readiness == .stale)
        await rig.keys.refreshIfDue()
        #expect(try await known(first.id))
        rig.clock.advance(by: .seconds(6 * 3_600) - .microseconds(1))
        #expect(try await known(first.id))
        try await eventually { rig.events.failures.count == 3 }
        #expect(rig.events.failures == [.fresh, .stale, .stale])
        rig.clock.advance(by: .microseconds(1))
        #expect(await rig.keys.readiness == .missing)
        rig.clock.advance(by: .seconds(10))
        await #expect(throws: IdentityError.keysUnavailable(retryAfter: .seconds(10))) { try await known(first.id) }
        #expect(rig.events.failures.last == .missing)
    }

    @Test func anOutageIsOverWithTheFirstAnswer() async throws {
        #expect(try await known(first.id))
        await rig.source.answer(.failure)
        rig.clock.advance(by: .seconds(8 * 3_600))
        await #expect(throws: IdentityError.self) { try await known(first.id) }
        await rig.source.answer(.document(KeyDocument(first.jwk)))
        rig.clock.advance(by: .seconds(10))
        #expect(try await known(first.id))
        #expect(await rig.keys.readiness == .fresh)
    }

    @Test func withoutKeysTheServerIsAskedEveryTenSeconds() async throws {
        await rig.source.answer(.failure)
        await #expect(throws: IdentityError.keysUnavailable(retryAfter: .seconds(10))) { try await known(first.id) }
        rig.clock.advance(by: .seconds(4))
        for _ in 0..<20 {
            await #expect(throws: IdentityError.keysUnavailable(retryAfter: .seconds(6))) { try await known(first.id) }
        }
        #expect(await rig.source.fetches == 1)
        rig.clock.advance(by: .seconds(6))
        await #expect(throws: IdentityError.self) { try await known(first.id) }
        #expect(await rig.source.fetches == 2)
    }

    @Test func aFailedRefreshIsNotRepeatedAtOnce() async throws {
        #expect(try await known(first.id))
        await rig.source.answer(.failure)
        rig.clock.advance(by: .seconds(2_700))
        await rig.keys.refreshIfDue()
        for _ in 0..<20 { #expect(try await known(first.id)) }
        await rig.keys.refreshIfDue()
        #expect(await rig.source.fetches == 2)
        rig.clock.advance(by: .seconds(10))
        await rig.keys.refreshIfDue()
        #expect(await rig.source.fetches == 3)
    }

    @Test func aClockSetBackDoesNotStopTheQuestions() async throws {
        await rig.source.answer(.failure)
        await #expect(throws: IdentityError.self) { try await known(first.id) }
        rig.clock.advance(by: .seconds(-86_400))
        await rig.source.answer(.document(KeyDocument(first.jwk)))
        #expect(try await known(first.id))
    }

    // MARK: Answers that are no keys

    static let garbage: [(name: String, document: KeyDocument)] = [
        ("500", KeyDocument(status: 500, body: Array("{}".utf8), cacheControl: nil, age: nil)),
        ("no content", KeyDocument(status: 204, body: [], cacheControl: nil, age: nil)),
        ("a redirect", KeyDocument(status: 302, body: [], cacheControl: nil, age: nil)),
        ("HTML", KeyDocument(status: 200, body: Array("<html>".utf8), cacheControl: nil, age: nil)),
        ("an empty body", KeyDocument(status: 200, body: [], cacheControl: nil, age: nil)),
        ("an empty object", KeyDocument(status: 200, body: Array("{}".utf8), cacheControl: nil, age: nil)),
        ("an array", KeyDocument(status: 200, body: Array("[]".utf8), cacheControl: nil, age: nil)),
        ("no keys", KeyDocument(status: 200, body: Array(#"{"keys":[]}"#.utf8), cacheControl: nil, age: nil)),
        ("odd keys", KeyDocument(status: 200, body: Array(#"{"keys":[1,null,"x",{},[]]}"#.utf8), cacheControl: nil, age: nil)),
        ("keys as an object", KeyDocument(status: 200, body: Array(#"{"keys":{}}"#.utf8), cacheControl: nil, age: nil)),
        ("half a document", KeyDocument(status: 200, body: Array(#"{"keys":[{"kty":"RSA""#.utf8), cacheControl: nil, age: nil)),
    ]

    @Test(arguments: garbage.indices)
    func garbageDoesNotReplaceKeys(index: Int) async throws {
        #expect(try await known(first.id))
        await rig.source.answer(.document(Self.garbage[index].document))
        rig.clock.advance(by: .seconds(2_700))
        await rig.keys.refreshIfDue()
        #expect(rig.events.failures == [.fresh], "\(Self.garbage[index].name)")
        #expect(try await known(first.id))
    }

    @Test(arguments: [201, 203, 206, 302, 304, 404, 500])
    func keysUnderAnotherStatusAreNone(status: Int) async throws {
        var document = KeyDocument(first.jwk)
        document.status = status
        let rig = try Rig(source: ScriptedSource(.document(document)))
        await #expect(throws: IdentityError.keysUnavailable(retryAfter: .seconds(10))) { try await rig.keys.key(first.id) }
    }

    @Test func aDocumentIsBounded() async throws {
        func document(_ size: Int) -> KeyDocument {
            let body = JSONValue.object(["keys": [first.jwk], "x": ""]).serialized()
            let filler = [UInt8](repeating: UInt8(ascii: " "), count: size - body.count)
            return KeyDocument(status: 200, body: body + filler, cacheControl: nil, age: nil)
        }
        let fits = try Rig(source: ScriptedSource(.document(document(65_536))))
        #expect(try await fits.keys.key(first.id) != nil)
        let tooLarge = try Rig(source: ScriptedSource(.document(document(65_537))))
        await #expect(throws: IdentityError.self) { try await tooLarge.keys.key(first.id) }
    }

    @Test func twoKeysUnderOneIDAreADefect() async throws {
        let document = KeyDocument(first.jwk, second.jwk(changing: "kid", to: .string(first.id)))
        let rig = try Rig(source: ScriptedSource(.document(document)))
        await #expect(throws: IdentityError.self) { try await rig.keys.key(first.id) }
        #expect(rig.events.failures == [.missing])
    }
}
