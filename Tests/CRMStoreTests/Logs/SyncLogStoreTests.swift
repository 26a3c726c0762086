import CRMCore
import CRMStore
import FoundationEssentials
import Testing

@Suite struct SyncLogStoreTests {
    private func entry(_ ground: StoreGround, _ number: Int, _ change: (inout SyncLogEntry) -> Void = { _ in }) -> SyncLogEntry {
        // Three rows share each moment, so that pages end between rows of one time.
        let at = ground.now + .seconds(Int64(number / 3))
        var entry = SyncLogEntry(
            id: LogID(.v7(at: at, random: [0] + Array(repeating: UInt8(number), count: 9))), at: at, crmType: .klaviyo, integration: nil,
            operation: .read, outcome: .success, status: "ok", code: "", detail: "", durationMilliseconds: number, attempt: 1,
            delivery: nil,
            requestID: "request-\(number)", providerVersion: "1.0.0", contact: nil, remoteID: "r\(number)", httpStatus: 200,
            warnings: [["code": "left_out", "detail": "x"]])
        change(&entry)
        return entry
    }

    @Test func pagesGoFromNewestToOldestWithoutGapOrRepeat() async throws {
        let ground = try await StoreGround.prepare()
        let merchant = try await ground.merchant()
        var written: [SyncLogEntry] = []
        for number in 0..<23 {
            written.append(entry(ground, number))
            try await ground.logs.record(written[number], of: merchant, contactIdentity: nil)
        }
        var read: [SyncLogEntry] = []
        var cursor: PageCursor?
        repeat {
            let page = try await ground.logs.syncLogs(of: merchant, SyncLogFilter(), after: cursor, limit: 5)
            #expect(page.elements.count == 5 || page.next == nil)
            read += page.elements
            cursor = page.next
        } while cursor != nil
        #expect(read.map(\.requestID) == written.reversed().map(\.requestID))
        #expect(read.first == written.last)
    }

    private func failed(_ ground: StoreGround) -> SyncLogEntry {
        entry(ground, 6) { entry in
            entry.operation = .validate
            entry.outcome = .failed
        }
    }

    @Test func everyFilterFilters() async throws {
        let ground = try await StoreGround.prepare()
        let merchant = try await ground.merchant()
        let delivery = DeliveryID(UUID())
        try await ground.logs.record(entry(ground, 0), of: merchant, contactIdentity: "ada@example.test")
        try await ground.logs.record(entry(ground, 3) { $0.crmType = .echo }, of: merchant, contactIdentity: "bob@example.test")
        try await ground.logs.record(failed(ground), of: merchant, contactIdentity: nil)
        try await ground.logs.record(entry(ground, 9) { $0.delivery = delivery }, of: merchant, contactIdentity: nil)
        func found(_ change: (inout SyncLogFilter) -> Void) async throws -> [String] {
            var filter = SyncLogFilter()
            change(&filter)
            return try await ground.logs.syncLogs(of: merchant, filter, after: nil, limit: 10).elements.map(\.requestID)
        }
        #expect(try await found { _ in } == ["request-9", "request-6", "request-3", "request-0"])
        #expect(try await found { $0.crmType = .echo } == ["request-3"])
        #expect(try await found { $0.operation = .validate } == ["request-6"])
        #expect(try await found { $0.outcome = .failed } == ["request-6"])
        #expect(try await found { $0.contactIdentity = "ada@example.test" } == ["request-0"])
        #expect(try await found { $0.delivery = delivery } == ["request-9"])
        #expect(try await found { $0.since = ground.now + .seconds(2) } == ["request-9", "request-6"])
        #expect(try await found { $0.until = ground.now + .seconds(1) } == ["request-3", "request-0"])
        let combined = try await found { filter in
            filter.since = ground.now + .seconds(1)
            filter.outcome = .success
            filter.crmType = .klaviyo
        }
        #expect(combined == ["request-9"])
    }

    @Test func contactsAreKeptAsAKeyedHashOnly() async throws {
        let ground = try await StoreGround.prepare()
        let merchant = try await ground.merchant()
        try await ground.logs.record(entry(ground, 0), of: merchant, contactIdentity: "ada@example.test")
        let contact = try await ground.logs.syncLogs(of: merchant, SyncLogFilter(), after: nil, limit: 1).elements.first?.contact
        #expect(contact?.count == 32)
        let rows = try await ground.superuser.run("SELECT FROM crm.crm_sync_logs t WHERE strpos(t::text, 'example.test') > 0")
        #expect(rows.isEmpty)
    }
}
