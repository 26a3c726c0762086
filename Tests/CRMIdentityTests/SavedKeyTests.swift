import CRMCore
import CRMIdentity
import Testing

@Suite("Keys: the last good set, kept for the next start") struct SavedKeyTests {
    let first: SigningKey

    init() throws { first = try SigningKey.first.get() }

    /// What a process that fetched at the start of time left behind.
    private func leftBehind() async throws -> [UInt8] {
        let store = MemoryStore()
        let rig = try Rig(store: store)
        await rig.keys.refreshIfDue()
        return try #require(await store.bytes)
    }

    @Test func savedKeysServeWhenGoogleCannotBeReached() async throws {
        let rig = try Rig(source: ScriptedSource(.failure), store: MemoryStore(try await leftBehind()))
        #expect(await rig.refusal(of: try rig.token()) == nil)
        #expect(await rig.keys.readiness == .fresh)
        #expect(rig.events.failures == [.fresh])
        rig.clock.advance(by: .seconds(3_600))
        #expect(await rig.keys.readiness == .stale)
    }

    @Test func savedKeysServeUntilSixHoursPastTheirExpiry() async throws {
        let saved = try await leftBehind()
        let late = try Rig(source: ScriptedSource(.failure), store: MemoryStore(saved))
        late.clock.advance(by: .seconds(7 * 3_600) - .microseconds(1))
        #expect(try await late.keys.key(first.id) != nil)
        #expect(late.events.failures == [.stale])
        let tooLate = try Rig(source: ScriptedSource(.failure), store: MemoryStore(saved))
        tooLate.clock.advance(by: .seconds(7 * 3_600))
        await #expect(throws: IdentityError.self) { try await tooLate.keys.key(first.id) }
        #expect(tooLate.events.events.contains { if case .savedKeysUnusable = $0 { true } else { false } })
    }

    @Test func savedKeysYieldToTheServer() async throws {
        let second = try SigningKey.second.get()
        let source = ScriptedSource(.failure, .document(KeyDocument(second.jwk)))
        let rig = try Rig(source: source, store: MemoryStore(try await leftBehind()))
        #expect(try await rig.keys.key(first.id) != nil)
        rig.clock.advance(by: .seconds(10))
        await rig.keys.refreshIfDue()
        #expect(try await rig.keys.key(second.id) != nil)
        #expect(try await rig.keys.key(first.id) == nil)
    }

    @Test func theServerComesFirst() async throws {
        let second = try SigningKey.second.get()
        let source = ScriptedSource(.document(KeyDocument(second.jwk)))
        let rig = try Rig(source: source, store: MemoryStore(try await leftBehind()))
        #expect(try await rig.keys.key(second.id) != nil)
        #expect(try await rig.keys.key(first.id) == nil)
    }

    @Test func keysInUseComeBeforeSavedOnes() async throws {
        let second = try SigningKey.second.get()
        let source = ScriptedSource(.document(KeyDocument(second.jwk)), .failure)
        let rig = try Rig(source: source, store: MemoryStore(try await leftBehind(), defect: .saving))
        await rig.keys.refreshIfDue()
        rig.clock.advance(by: .seconds(3_600))
        await rig.keys.refreshIfDue()
        #expect(rig.events.failures == [.stale])
        #expect(try await rig.keys.key(second.id) != nil)
    }

    @Test func everyFetchIsSaved() async throws {
        let store = MemoryStore()
        let rig = try Rig(store: store)
        await rig.keys.refreshIfDue()
        let earlier = await store.bytes
        rig.clock.advance(by: .seconds(2_700))
        await rig.keys.refreshIfDue()
        let later = await store.bytes
        #expect(earlier != nil && later != nil && earlier != later)
    }

    @Test func garbageOnDiskIsPassedOver() async throws {
        let good = try JSONValue(parsing: try await leftBehind())
        func changing(_ name: String, to value: JSONValue?) -> [UInt8] {
            var members = good.objectValue ?? [:]
            members[name] = value
            return JSONValue.object(members).serialized()
        }
        let start = ManualClock.start.seconds
        let files: [[UInt8]] = [
            [], Array("{}".utf8), Array("[]".utf8), [0xFF, 0x00], Array(good.serialized().dropLast(40)), changing("jwks", to: nil),
            changing("jwks", to: ["keys": []]), changing("expires_at", to: nil), changing("expires_at", to: "soon"),
            changing("expires_at", to: 0), changing("expires_at", to: -1), changing("expires_at", to: 9_007_199_254_740_992),
            // Later than any server vouches for.
            changing("expires_at", to: .integer(start + 86_401)),
            good.serialized() + [UInt8](repeating: 0x20, count: 200_000),
        ]
        for file in files {
            let rig = try Rig(source: ScriptedSource(.failure), store: MemoryStore(file))
            #expect(await rig.refusal(of: try rig.token()) == .keysUnavailable(retryAfter: .seconds(10)))
            #expect(rig.events.events.first == .savedKeysUnusable(reason: "too old, or not what was saved"))
        }
    }

    @Test func aBrokenDiskIsReportedAndNothingMore() async throws {
        let saving = try Rig(store: MemoryStore(defect: .everything))
        #expect(await saving.refusal(of: try saving.token()) == nil)
        #expect(saving.events.events.contains { if case .keysNotSaved = $0 { true } else { false } })
        let loading = try Rig(source: ScriptedSource(.failure), store: MemoryStore(defect: .everything))
        #expect(await loading.refusal(of: try loading.token()) == .keysUnavailable(retryAfter: .seconds(10)))
        #expect(loading.events.failures == [.missing])
    }

    @Test func nothingSavedYetIsNoDefect() async throws {
        let rig = try Rig(source: ScriptedSource(.failure), store: MemoryStore())
        #expect(await rig.refusal(of: try rig.token()) == .keysUnavailable(retryAfter: .seconds(10)))
        #expect(!rig.events.events.contains { if case .savedKeysUnusable = $0 { true } else { false } })
    }
}
