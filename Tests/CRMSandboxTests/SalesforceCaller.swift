import CRMCore
import Testing

/// Somebody who is logged in to the imitated Salesforce.
struct SalesforceCaller {
    static let account = "ada@shop.test"

    let sandbox: RunningSandbox
    let session: String
    var version = "v68.0"
    var extra: [(String, String)] = []

    /// Logs in through SOAP.
    init(_ sandbox: RunningSandbox, account: String = account) throws {
        self.sandbox = sandbox
        let reply = try sandbox.login(account)
        #expect(reply.status == 200)
        session = try #require(reply.element("sessionId"))
    }

    func send(_ method: String, _ path: String, _ json: JSONValue? = nil, body: [UInt8] = []) throws -> RunningSandbox.Reply {
        try sandbox.send(
            method, "/salesforce/services/data/\(version)/\(path)",
            headers: [("Authorization", "Bearer \(session)"), ("Content-Type", "application/json")] + extra, json: json, body: body)
    }

    /// Creates or updates by the external id, and says with which id.
    @discardableResult
    func upsert(_ key: String, _ fields: JSONValue, in object: String = "Contact") throws -> String {
        let reply = try send("PATCH", "sobjects/\(object)/External_Id__c/\(key)", fields)
        #expect(reply.status == 200 || reply.status == 201)
        return try #require(try reply.json["id"]?.stringValue)
    }

    func query(_ soql: String) throws -> RunningSandbox.Reply {
        let encoded = soql.utf8.map { byte in
            let isPlain = byte < 0x80 && (Character(Unicode.Scalar(byte)).isLetter || Character(Unicode.Scalar(byte)).isNumber)
            return isPlain ? String(Unicode.Scalar(byte)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }
        return try send("GET", "query?q=\(encoded.joined())")
    }

    /// The values of one column, in the order of the answer.
    func column(_ name: String, _ soql: String) throws -> [String] {
        let reply = try query(soql)
        #expect(reply.status == 200)
        return try #require(try reply.json["records"]?.arrayValue).map { $0[name]?.stringValue ?? "null" }
    }
}

extension RunningSandbox.Reply {
    /// The code of a Salesforce error.
    var code: String? { (try? json)?.arrayValue?.first?["errorCode"]?.stringValue }

    /// The text of the only element of this name.
    func element(_ name: String) -> String? {
        let parts = String(decoding: body, as: UTF8.self).split(separator: "<\(name)>", omittingEmptySubsequences: false)
        guard parts.count == 2 else { return nil }
        return parts[1].split(separator: "</\(name)>", omittingEmptySubsequences: false).first.map(String.init)
    }
}

extension RunningSandbox {
    static let soapHeaders = [("Content-Type", "text/xml; charset=UTF-8"), ("SOAPAction", "login")]

    /// `password` is what stands in the element, so with the security token.
    func login(
        _ account: String, password: String = "sandboxtoken", version: String = "u/64.0", headers: [(String, String)] = soapHeaders,
        prefix: String = "/salesforce"
    ) throws -> Reply {
        let namespace = version.hasPrefix("c") ? "enterprise" : "partner"
        let body = """
            <?xml version="1.0"?><!-- a comment --><e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>
            <login xmlns="urn:\(namespace).soap.sforce.com"><username>\(account)</username><password>\(password)</password></login>
            </e:Body></e:Envelope>
            """
        return try send("POST", "\(prefix)/services/Soap/\(version)", headers: headers, body: Array(body.utf8))
    }

    func token(_ form: String, headers: [(String, String)] = [], prefix: String = "/salesforce") throws -> Reply {
        try send(
            "POST", "\(prefix)/services/oauth2/token", headers: [("Content-Type", "application/x-www-form-urlencoded")] + headers,
            body: Array(form.utf8))
    }

    func configure(_ settings: JSONValue, account: String = SalesforceCaller.account) throws {
        #expect(try send("PUT", "/accounts/salesforce/\(account)", json: settings).status == 204)
    }
}
