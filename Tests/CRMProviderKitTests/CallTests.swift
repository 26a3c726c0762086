import CRMCore
import CRMProviderKit
import TestSupport
import Testing

@Suite("One operation of a library over a real connection", .serialized)
struct CallTests {
    private static let key = "faulty_secret_93c1d7"

    @Test func showsTheExchangeWithoutSecrets() async throws {
        let fixtures = try ProviderFixtures()
        let server = LoopbackServer { request in
            .answer(
                status: 201, headers: [("content-type", "application/json"), ("set-cookie", "session=abc123")],
                body: #"{"id":"c-1","echo":"\#(request.headers["x-key"] ?? "-")","access_token":"tok-77"}"#)
        }
        defer { server.stop() }
        let report = try await Self.call(try fixtures.compile("Faulty"), server.origin).run()
        #expect(report.isOK, "\(report.text(isTraced: true))")
        #expect(server.requests.first?.headers["x-key"] == Self.key)
        let text = report.text(isTraced: true)
        #expect(text.contains("> POST \(server.origin)/contacts"))
        #expect(text.contains("> X-Key: [secret]"))
        #expect(text.contains("< 201 ("))
        #expect(text.contains(#""remote_id": "c-1""#))
        for secret in [Self.key, "abc123", "tok-77"] { #expect(!text.contains(secret), "\(text)") }
    }

    @Test func findsSecretsInFormsAndXML() async throws {
        let fixtures = try ProviderFixtures()
        let bodies = [
            "a=1&api=it%27s+a%7Ekey%2F%C3%A9&password=unknown-1&b=kept-1", "x=it%27s%20a~key%2f%c3%a9",
            "<r><s:sessionId xsi:type=\"x\">unknown-2</s:sessionId><k>it&apos;s a~key/é</k><l>kept-2</l></r>",
            "<r><password><![CDATA[unknown-3]]></password><k>it&#39;s a~key/é</k></r>",
        ]
        for body in bodies {
            let server = LoopbackServer { _ in .answer(status: 201, body: body) }
            defer { server.stop() }
            var call = Self.call(try fixtures.compile("Faulty"), server.origin)
            call.credentials = ["api_key": "it's a~key/é"]
            let report = try await call.run()
            for text in [report.text(isTraced: true), report.cassette.text] {
                #expect(!text.contains("unknown-") && !text.contains("key%2") && !text.contains("key/"), "\(text)")
                #expect(text.contains("kept-") == body.contains("kept-"), "\(text)")
            }
        }
    }

    @Test func recordsACassetteWithoutSecrets() async throws {
        let fixtures = try ProviderFixtures()
        let server = LoopbackServer { _ in
            .answer(status: 201, headers: [("content-type", "application/json")], body: #"{"id":"c-1","key":"\#(Self.key)"}"#)
        }
        defer { server.stop() }
        let cassette = try await Self.call(try fixtures.compile("Faulty"), server.origin).run().cassette
        let exchange = try #require(cassette.arrayValue?.first)
        #expect(
            exchange["request"] == [
                "method": "POST", "url": .string("\(server.origin)/contacts"), "body": ["contact": ["email": "ada@example.com"]],
            ])
        #expect(exchange["response"]?["status"] == 201)
        #expect(exchange["response"]?["body"] == ["id": "c-1", "key": "[secret]"])
        #expect(!cassette.text.contains(Self.key))
    }

    @Test func tracesTheLogWithoutSecrets() async throws {
        let fixtures = try ProviderFixtures()
        let server = LoopbackServer { _ in .answer(status: 201, body: #"{"id":"c-1"}"#) }
        defer { server.stop() }
        let report = try await Self.call(try fixtures.compile("Faulty", ["-DFAULT_LOGS_KEY"]), server.origin).run()
        #expect(report.text(isTraced: true).contains(#"sending {"key":"[secret]"}"#))
        #expect(!report.text(isTraced: false).contains("sending"))
    }

    @Test func saysWhyATargetIsRefused() async throws {
        let fixtures = try ProviderFixtures()
        let server = LoopbackServer { _ in .answer(status: 201, body: #"{"id":"c-1"}"#) }
        defer { server.stop() }
        var call = Self.call(try fixtures.compile("Faulty"), server.origin)
        call.allow = ["a.example.com:443"]
        let report = try await call.run()
        #expect(!report.isOK)
        #expect(report.text(isTraced: false).contains("--allow http://127.0.0.1:PORT"))
        #expect(report.text(isTraced: false).contains("blocked_by_policy"))
        #expect(server.connections == 0)
    }

    @Test func cancelsWhatTakesTooLong() async throws {
        let fixtures = try ProviderFixtures()
        let server = LoopbackServer { _ in .silence }
        defer { server.stop() }
        var call = Self.call(try fixtures.compile("Faulty"), server.origin)
        call.timeout = .milliseconds(300)
        let report = try await call.run()
        #expect(!report.isOK)
        let text = report.text(isTraced: false)
        #expect(text.contains("deadline_exceeded") || text.contains("cancelled because the time was over"), "\(text)")
    }

    @Test func refusesInputThatTheSchemasRefuse() async throws {
        let fixtures = try ProviderFixtures()
        let library = try fixtures.compile("Faulty")
        var call = Self.call(library, "http://127.0.0.1:9")
        call.credentials = [:]
        await Self.expectRefusal(call, "--credentials: /api_key is required")
        call = Self.call(library, "http://127.0.0.1:9")
        call.config = ["base_url": 7]
        await Self.expectRefusal(call, "--config: /base_url must be a string")
        call = Self.call(library, "http://127.0.0.1:9")
        call.allow = ["nonsense host"]
        await Self.expectRefusal(call, "--allow")
        call = Self.call("\(fixtures.directory)/nothing.so", "http://127.0.0.1:9")
        await Self.expectRefusal(call, "does not exist")
    }

    @Test func readsJSONFromTheCommandLineOrAFile() throws {
        let fixtures = try ProviderFixtures()
        let path = try fixtures.write(#"{"a": 1}"#, "value.json")
        #expect(try JSONArgument.object("@\(path)", "--payload") == ["a": 1])
        #expect(try JSONArgument.object(#"{"b": 2}"#, "--payload") == ["b": 2])
        #expect(try JSONArgument.object(nil, "--payload") == [:])
        for (text, complaint) in [("@/no/such/file", "cannot be read"), ("value.json", "write @path"), ("[1]", "must be a JSON object")] {
            do {
                _ = try JSONArgument.object(text, "--payload")
                Issue.record("accepted: \(text)")
            } catch {
                #expect(error.description.hasPrefix("--payload: ") && error.description.contains(complaint), "\(error)")
            }
        }
    }

    @Test func aWatchSeesAnotherFile() async throws {
        let fixtures = try ProviderFixtures()
        let path = try fixtures.write("one", "library.so")
        var watch = FileWatch(path)
        let writer = Task { try fixtures.write("two two", "library.so") }
        // Ends only when the change was seen.
        watch.waitForChange()
        _ = try await writer.value
    }

    private static func call(_ library: String, _ origin: String) -> LibraryCall {
        var call = LibraryCall(
            library: library, operation: .createOrUpdateContact, credentials: ["api_key": .string(key)],
            payload: ["contact": ["email": "ada@example.com"]], config: ["base_url": .string(origin)])
        call.allow = [origin]
        return call
    }

    private static func expectRefusal(_ call: LibraryCall, _ complaint: String) async {
        do {
            _ = try await call.run()
            Issue.record("it was called")
        } catch {
            #expect(error.description.contains(complaint), "\(error)")
        }
    }
}
