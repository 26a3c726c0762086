import CRMCore
import CRMServer
import TestSupport
import Testing

@Suite struct BodyTests {
    private static func request(_ headers: String, _ body: [UInt8]) -> [UInt8] {
        Array(
            "POST /auth/bootstrap HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer token-anna\r\nContent-Type: application/json\r\nConnection: close\r\n\(headers)\r\n"
                .utf8) + body
    }

    @Test(arguments: [
        "{", "{\"company_name\":\"a\",}", "{\"company_name\":\"a\",\"company_name\":\"b\"}", "{\"company_name\":\"\\u0000\"}",
        "{\"company_name\":\"\\ud800\"}", "\u{FEFF}{}", "{} {}", "{\"company_name\":NaN}", "// x\n{}", "{'a':1}", "{\"company_name\":01}",
    ])
    func whatIsNotStrictJSONIsRefused(_ body: String) async throws {
        try await RunningServer.run { server in
            let answer = try await server.client.send(
                "POST", "/auth/bootstrap", headers: ["Authorization": "Bearer token-anna", "Content-Type": "application/json"], body: body)
            #expect(answer.status == 400, "\(body)")
            #expect(answer.code == "invalid_json", "\(body)")
            #expect(server.service.read { $0.merchants.isEmpty })
        }
    }

    @Test func utf16IsRefused() async throws {
        try await RunningServer.run { server in
            let body: [UInt8] = [0xFF, 0xFE] + Array("{}".utf16).flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
            let received = try await server.client.exchange(Self.request("Content-Length: \(body.count)\r\n", body))
            #expect(HTTPClientAnswers.statuses(received) == [400])
        }
    }

    @Test(arguments: [17, 511, 513, 100_000])
    func deepJSONIsRefused(_ depth: Int) async throws {
        try await RunningServer.run { server in
            let body = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
            let answer = try await server.client.send(
                "POST", "/auth/bootstrap", headers: ["Authorization": "Bearer token-anna", "Content-Type": "application/json"], body: body)
            #expect(answer.status == 400)
            #expect(answer.code == "invalid_json")
        }
    }

    @Test func manyValuesAreRefused() async throws {
        try await RunningServer.run { server in
            let body = "[" + Array(repeating: "1", count: 20_001).joined(separator: ",") + "]"
            let answer = try await server.client.send(
                "POST", "/auth/bootstrap", headers: ["Authorization": "Bearer token-anna", "Content-Type": "application/json"], body: body)
            #expect(answer.status == 400)
            #expect(answer.code == "invalid_json")
        }
    }

    @Test func anAnnouncedGiantIsRefusedBeforeItIsRead() async throws {
        try await RunningServer.run { server in
            for headers in ["Content-Length: 10737418240\r\n", "Content-Length: 10737418240\r\nExpect: 100-continue\r\n"] {
                let received = try await server.client.exchange(Self.request(headers, []))
                let answers = HTTPClient.answers(in: received)
                #expect(answers.map(\.status) == [413])
                #expect(answers.first?.code == "body_too_large")
                #expect(answers.first?["Connection"] == "close")
            }
        }
    }

    @Test func aBodyThatGrowsTooLargeIsCutOff() async throws {
        try await RunningServer.run { server in
            let chunk = "8000\r\n" + String(repeating: " ", count: 0x8000) + "\r\n"
            let received = try await server.client.exchange(
                Self.request("Transfer-Encoding: chunked\r\n", Array(String(repeating: chunk, count: 9).utf8)))
            #expect(HTTPClientAnswers.statuses(received) == [413])
            #expect(try await server.send("GET", "/healthz").status == 200)
        }
    }

    @Test func nobodyReadsOnAfterARefusal() async throws {
        try await RunningServer.run { server in
            let body = [UInt8](repeating: 0x20, count: 4_000_000)
            let head = "POST /crm/connect HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 999999999\r\n\r\n"
            let received = try await server.client.exchange(Array(head.utf8), body, body, body, pause: 50)
            // The answer may be overtaken by the end of the connection; what matters is that it ends.
            let statuses = HTTPClientAnswers.statuses(received)
            #expect(statuses.isEmpty || statuses == [401])
            #expect(try await server.send("GET", "/healthz").status == 200)
        }
    }

    @Test func aSlowBodyIsCutOff() async throws {
        try await RunningServer.run(.with(\.bodyTimeout, .milliseconds(300))) { server in
            let received = try await server.client.exchange(Self.request("Content-Length: 100\r\n", Array("{".utf8)))
            #expect(received.isEmpty)
            #expect(server.service.read { $0.merchants.isEmpty })
        }
    }

    @Test func aBrokenChunkIsA400() async throws {
        try await RunningServer.run { server in
            let received = try await server.client.exchange(
                Self.request("Transfer-Encoding: chunked\r\n", Array("zz\r\n{}\r\n0\r\n\r\n".utf8)))
            #expect(HTTPClientAnswers.statuses(received) == [400])
        }
    }

    @Test(arguments: [
        ("Content-Type: text/plain", "unsupported_media_type"),
        ("Content-Type: application/x-www-form-urlencoded", "unsupported_media_type"),
        ("Content-Type: application/json; charset=utf-16", "unsupported_media_type"), ("X: y", "unsupported_media_type"),
        ("Content-Type: application/json\r\nContent-Encoding: gzip", "unsupported_encoding"),
    ])
    func onlyPlainJSONIsTaken(_ header: String, _ code: String) async throws {
        try await RunningServer.run { server in
            let received = try await server.client.exchange(
                Array(
                    "POST /auth/bootstrap HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer token-anna\r\n\(header)\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
                        .utf8))
            let answer = try #require(HTTPClient.answers(in: received).first)
            #expect(answer.status == 415)
            #expect(answer.code == code)
        }
    }

    @Test func anEmptyBodyIsRefusedWhereOneIsNeeded() async throws {
        try await RunningServer.run { server in
            try await server.signUp()
            let answer = try await server.send("POST", "/crm/connect")
            #expect(answer.status == 400)
            #expect(answer.code == "invalid_json")
        }
    }
}
