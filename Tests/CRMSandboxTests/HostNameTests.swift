import CRMCore
import Testing

/// Clients that know only the real services' names reach the imitations at the root.
@Suite struct HostNameTests {
    @Test func theHostNameChoosesTheImitation() async throws {
        let sandbox = try await RunningSandbox()
        let connection = try HostConnection(sandbox, host: "a.klaviyo.com")
        let page = try connection.send(
            "GET", "/api/accounts", headers: RunningSandbox.klaviyoHeaders())
        #expect(page.status == 200)
        #expect(try page.json["links"]?["self"] == "https://a.klaviyo.com/api/accounts")
        let entry = try #require(try sandbox.journal("crm=klaviyo").first)
        #expect(entry["path"] == "/klaviyo/api/accounts" && entry["account"] == "ada@shop.test")
        // Neither another name below it nor a name that only ends alike.
        for host in ["b.klaviyo.com", "evilsalesforce.com", "salesforce.com"] {
            #expect(try HostConnection(sandbox, host: host).send("GET", "/services/data").status == 404)
        }
        #expect(try HostConnection(sandbox, host: "LOGIN.salesforce.com:443").send("GET", "/services/data").status == 200)
        // A script's prefix is the same both ways.
        _ = try sandbox.script(["crm": "klaviyo", "path_prefix": "/klaviyo/api/accounts", "answers": [["status": 500]]])
        #expect(try connection.send("GET", "/api/accounts", headers: RunningSandbox.klaviyoHeaders()).status == 500)
    }

    @Test func anOrganizationHasAHostOfItsOwn() async throws {
        let sandbox = try await RunningSandbox()
        let login = try HostConnection(sandbox, host: "login.salesforce.com").login()
        #expect(login.element("serverUrl")?.hasPrefix("https://ada-shop-test.my.salesforce.com/services/Soap/u/64.0/00D") == true)
        let headers = [("Authorization", "Bearer \(try #require(login.element("sessionId")))")]
        let own = try HostConnection(sandbox, host: "ada-shop-test.my.salesforce.com")
        #expect(try own.send("GET", "/services/data/v68.0/limits", headers: headers).status == 200)
        for host in ["login.salesforce.com", "other.my.salesforce.com"] {
            #expect(try HostConnection(sandbox, host: host).send("GET", "/services/data/v68.0/limits", headers: headers).status == 401)
        }
        // Users of a production organization are not known elsewhere.
        #expect(try own.login().status == 200)
        for host in ["test.salesforce.com", "other.my.salesforce.com"] {
            #expect(try HostConnection(sandbox, host: host).login().element("sf:exceptionCode") == "INVALID_LOGIN")
        }
        let form = Array("grant_type=client_credentials&client_id=sandbox_ada%40shop.test&client_secret=sandbox".utf8)
        let media = [("Content-Type", "application/x-www-form-urlencoded")]
        let token = try own.send("POST", "/services/oauth2/token", headers: media, body: form)
        #expect(try token.json["instance_url"] == "https://ada-shop-test.my.salesforce.com")
        let elsewhere = try HostConnection(sandbox, host: "login.salesforce.com").send(
            "POST", "/services/oauth2/token", headers: media, body: form)
        #expect(try elsewhere.status == 400 && elsewhere.json["error"] == "invalid_grant")
    }
}

/// Says another name in the header `Host` than the one it connects to.
private struct HostConnection {
    let connection: Connection
    let host: String

    init(_ sandbox: RunningSandbox, host: String) throws {
        connection = try sandbox.connection()
        self.host = host
    }

    func send(_ method: String, _ target: String, headers: [(String, String)] = [], body: [UInt8] = []) throws -> RunningSandbox.Reply {
        var head = "\(method) \(target) HTTP/1.1\r\nHost: \(host)\r\nContent-Length: \(body.count)\r\n"
        for (name, value) in headers { head += "\(name): \(value)\r\n" }
        try connection.send(Array((head + "\r\n").utf8) + body)
        let response = try connection.receive()
        return RunningSandbox.Reply(status: response.status, headers: response.headers, body: response.body)
    }

    func login() throws -> RunningSandbox.Reply {
        let body = """
            <e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><login xmlns="urn:partner.soap.sforce.com">\
            <username>ada@shop.test</username><password>sandboxtoken</password></login></e:Body></e:Envelope>
            """
        return try send("POST", "/services/Soap/u/64.0", headers: RunningSandbox.soapHeaders, body: Array(body.utf8))
    }
}
