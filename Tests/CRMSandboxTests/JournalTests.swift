import CRMCore
import Glibc
import Testing

@Suite struct JournalTests {
    @Test func keepsOneOrderAndFilters() async throws {
        let sandbox = try await RunningSandbox()
        for number in 0..<3 {
            let event = KlaviyoBody.event("Placed Order", ["unique_id": .string("u\(number)")])
            #expect(try sandbox.klaviyo("POST", "events", event, account: "m\(number % 2)@shop.test").status == 202)
            #expect(try sandbox.send("POST", "/echo/validate", headers: [("X-Echo-Key", "echo_sandbox")]).status == 200)
        }
        #expect(try sandbox.journal().compactMap { $0["seq"]?.intValue } == Array(1...6))
        #expect(try sandbox.journal("crm=klaviyo").compactMap { $0["unique_id"]?.stringValue } == ["u0", "u1", "u2"])
        #expect(try sandbox.journal("crm=klaviyo&account=m0@shop.test").compactMap { $0["unique_id"]?.stringValue } == ["u0", "u2"])
        let page = try sandbox.send("GET", "/journal?since=1&limit=2").json
        #expect(page["entries"]?.arrayValue?.compactMap { $0["seq"]?.intValue } == [2, 3])
        #expect(page["next"] == 3)
        #expect(try sandbox.send("GET", "/journal?since=6").json == ["entries": [], "next": 6])
        #expect(try sandbox.send("GET", "/journal?limit=0").status == 400)
    }

    @Test func clearingLeavesTheNumbersAndTheAccounts() async throws {
        let sandbox = try await RunningSandbox()
        #expect(try sandbox.klaviyo("POST", "events", KlaviyoBody.event("V", ["unique_id": "1"])).status == 202)
        #expect(try sandbox.send("DELETE", "/journal").status == 204)
        #expect(try sandbox.journal().isEmpty)
        #expect(try sandbox.send("GET", "/journal/summary").json == [:])
        #expect(try sandbox.klaviyo("POST", "events", KlaviyoBody.event("V", ["unique_id": "1"])).status == 202)
        let entry = try #require(try sandbox.journal().first)
        #expect(entry["seq"] == 2 && entry["effect"] == "event_duplicate")
        #expect(try sandbox.send("DELETE", "/accounts?crm=klaviyo&account=ada@shop.test").status == 204)
        #expect(try sandbox.send("GET", "/accounts").json == ["accounts": []])
        #expect(try sandbox.klaviyo("POST", "events", KlaviyoBody.event("V", ["unique_id": "1"])).status == 202)
        #expect(try sandbox.journal().last?["effect"] == "event_recorded")
    }

    @Test func manyEntriesKeepTheirNumbersAndTheirTexts() async throws {
        let sandbox = try await RunningSandbox(["--rate-limits", "off"])
        let connection = try sandbox.connection()
        let count = 20_000
        for number in 0..<count {
            let body = KlaviyoBody.event(
                "Placed Order", profile: ["email": .string("c\(number % 50)@example.test")], ["unique_id": .string("u\(number)")])
            try connection.send("POST", "/klaviyo/api/events", headers: RunningSandbox.klaviyoHeaders(), body: body.serialized())
            #expect(try connection.receive().status == 202)
        }
        // The border between two chunks is at 8,192.
        let page = try sandbox.send("GET", "/journal?since=8190&limit=4&crm=klaviyo&account=ada@shop.test").json["entries"]?.arrayValue
        #expect(page?.compactMap { $0["seq"]?.intValue } == [8_191, 8_192, 8_193, 8_194])
        #expect(page?.compactMap { $0["unique_id"]?.stringValue } == ["u8190", "u8191", "u8192", "u8193"])
        #expect(page?.last?["email"] == "c43@example.test")
        #expect(try sandbox.send("GET", "/journal/summary").json["klaviyo"]?["ada@shop.test"]?["events"]?.intValue == count)
    }

    @Test func theFileHasALineForEachEntryAndNoKey() async throws {
        let path = "/tmp/crm-sandbox-journal-\(getpid())-\(UInt64.random(in: 0 ... .max)).jsonl"
        defer { unlink(path) }
        let sandbox = try await RunningSandbox(["--journal", path])
        #expect(try sandbox.klaviyo("GET", "accounts").status == 200)
        #expect(try sandbox.klaviyo("POST", "events", KlaviyoBody.event("V", ["unique_id": "1"])).status == 202)
        let text = try #require(Self.read(path))
        let lines = try text.split(separator: "\n").map { try JSONValue(parsing: String($0)) }
        #expect(lines == (try sandbox.journal()))
        #expect(lines.count == 2)
        #expect(!text.contains("pk_sandbox"))
        #expect(!String(decoding: try sandbox.send("GET", "/journal/summary").body, as: UTF8.self).contains("pk_"))
    }

    private static func read(_ path: String) -> String? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }
}
