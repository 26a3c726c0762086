import CRMCore
import Glibc
import TestSupport
import Testing

@Suite struct ProgramTests {
    @Test(arguments: [SIGTERM, SIGINT]) func endsCleanlyOnASignal(signal: Int32) async throws {
        let sandbox = try await RunningSandbox()
        let idle = try sandbox.connection()
        try idle.send("GET", "/healthz", headers: [], body: [])
        #expect(try idle.receive().status == 200)
        #expect(try await sandbox.program.stop(signal) == .exited(0))
        #expect(idle.isClosedByPeer())
        #expect(throws: Connection.Failure.cannotConnect) { _ = try sandbox.connection() }
    }

    @Test func aConnectionServesManyRequests() async throws {
        let sandbox = try await RunningSandbox()
        let connection = try sandbox.connection()
        for _ in 0..<3 { try connection.send("GET", "/healthz", headers: [], body: []) }
        for _ in 0..<3 { #expect(try connection.receive().status == 200) }
        try connection.send("GET", "/healthz", headers: [("Connection", "close")], body: [])
        #expect(try connection.receive().headers["connection"] == "close")
        #expect(connection.isClosedByPeer())
    }

    @Test func theFrontPageNamesEverything() async throws {
        let sandbox = try await RunningSandbox()
        let page = try sandbox.send("GET", "/")
        #expect(page.status == 200)
        for part in ["google", "klaviyo", "salesforce", "creatio", "echo", "journal", "script", "clock", "accounts"] {
            #expect(try page.json[part] != nil)
        }
        #expect(try sandbox.send("GET", "/nowhere").status == 404)
    }

    @Test func theStateDirectoryKeepsTheKey() async throws {
        var template = Array("/tmp/crm-sandbox-state.XXXXXX".utf8CString)
        let directory = try #require(mkdtemp(&template).map { String(cString: $0) })
        defer {
            unlink("\(directory)/google-key.pem")
            rmdir(directory)
        }
        func keys() async throws -> JSONValue {
            let sandbox = try await RunningSandbox(["--state", directory])
            let keys = try sandbox.send("GET", "/google/jwks").json
            try await sandbox.program.stop()
            return keys
        }
        let first = try await keys()
        #expect(try await keys() == first)
        #expect(try await RunningSandbox().send("GET", "/google/jwks").json != first)
        var status = stat()
        #expect(stat("\(directory)/google-key.pem", &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600)
    }

    @Test func theEnvironmentChoosesPortAndProject() async throws {
        let taken = try await RunningSandbox(environment: ["GCP_PROJECT_ID": "shop-9"])
        let token = try taken.send("POST", "/google/token", json: ["email": "ada@shop.test"])
        #expect(token.status == 200)
        let busy = try BuiltProgram("crm-sandbox", environment: ["CRM_SANDBOX_PORT": String(taken.port)])
        guard case .exited(let status) = try await busy.waitForEnd() else {
            Issue.record("ended by a signal")
            return
        }
        #expect(status != 0)
        #expect(busy.errorOutput.contains("CRM_SANDBOX_PORT") && busy.errorOutput.contains(String(taken.port)))
    }

    @Test(arguments: [
        (["--port", "70000"], "--port"), (["--port", "0", "--journal", "/nonexistent/j"], "/nonexistent/j"),
        (["--port", "0", "--state", "/proc/nothing"], "--state"), (["--rate-limits", "some"], "real"),
    ]) func mistakesAreNamed(arguments: [String], hint: String) async throws {
        let program = try BuiltProgram("crm-sandbox", arguments: arguments)
        #expect(try await program.waitForEnd() != .exited(0))
        #expect(program.errorOutput.contains(hint))
    }
}
