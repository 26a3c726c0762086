import CRMPluginAPI
import CRMPluginSDK
import CRMPluginTestKit
import Salesforce
import Testing

/// Salesforce's provider between a fake host and a scripted Salesforce, which logs in and describes its objects by itself. What the
/// provider returns is held against the schemas of the boundary.
struct SalesforceBench {
    typealias Script = @Sendable (FakeHTTP.Request) -> FakeHTTP.Reply?

    static let credentials: JSONValue = [
        "username": "ada@acme.test", "password": #"s&cr<t>"'pass"#, "security_token": "TOKEN1234567",
    ]
    static let clientCredentials: JSONValue = [
        "client_id": "3MVG9.key", "client_secret": "consumer-secret-1", "domain": "acme",
    ]
    static let schemas = Result { try SchemaDirectory(path: directory(of: #filePath, up: 3) + "/Sources/CRMPluginAPI/schemas") }
    static let base = "https://acme.my.salesforce.com/services/data/v68.0"

    let host: FakeHost
    let provider: ProviderUnderTest
    let settings: JSONValue
    let credentials: JSONValue

    init(
        config: JSONValue = [:], settings: JSONValue = [:], credentials: JSONValue = SalesforceBench.credentials, org: Org = .full,
        services: Set<FakeHost.Service> = Set(FakeHost.Service.allCases), _ script: @escaping Script = { _ in nil }
    ) throws {
        host = FakeHost(services: services) { script($0) ?? org.answer($0) }
        provider = try ProviderUnderTest({ CRMPlugin.factory($0, SalesforceProvider.self) }, host: host, config: config)
        self.settings = settings
        self.credentials = credentials
    }

    /// What was asked besides logins and descriptions.
    var sent: [FakeHTTP.Request] { host.http.requests.filter { !$0.isLogin && !$0.isDescribe } }
    var logins: [FakeHTTP.Request] { host.http.requests.filter(\.isLogin) }

    func contact(_ contact: JSONValue) async throws -> OperationResult {
        try await run(CRM_OP_CREATE_OR_UPDATE_CONTACT, ["contact": contact])
    }

    func event(_ event: JSONValue, flags: UInt32 = 0) async throws -> OperationResult {
        try await run(CRM_OP_SEND_EVENT, ["event": event], flags: flags)
    }

    func lookUp(_ query: JSONValue) async throws -> OperationResult { try await run(CRM_OP_GET_CONTACT, query) }
    func validate() async throws -> OperationResult { try await run(CRM_OP_VALIDATE_CREDENTIALS, [:]) }

    func batch(_ items: [JSONValue]) async throws -> OperationResult {
        let numbered = items.enumerated().map { index, item -> JSONValue in
            var members = item.objectValue ?? [:]
            members["idempotency_key"] = .string("key-\(index)")
            return .object(members)
        }
        return try await run(CRM_OP_BATCH, ["items": .array(numbered)])
    }

    func call(_ operation: UInt32, _ payload: JSONValue) -> FakeCall {
        var call = FakeCall(operation, payload, credentials: credentials)
        call.settings = settings
        return call
    }

    func run(_ operation: UInt32, _ payload: JSONValue, flags: UInt32 = 0) async throws -> OperationResult {
        var call = call(operation, payload)
        call.flags = flags
        let result = await provider.run(call)
        let name = try #require(ProviderOperation(rawValue: operation)).name
        let schema = result.status == CRM_STATUS_OK ? "\(name).result.json" : "failure.json"
        if result.status == CRM_STATUS_OK || !result.payloadText.isEmpty {
            #expect(try Self.schemas.get().problems(result.payload, schema) == [])
        }
        for secret in ["s&cr", "TOKEN1234567", "consumer-secret-1", "00D000000000001!"] {
            #expect(!result.message.contains(secret) && !result.payloadText.contains(secret))
        }
        for request in host.http.requests { #expect(!request.url.contains("00D000000000001!") && !request.url.contains("TOKEN1234567")) }
        return result
    }

    func expectEachEndedOnce() async {
        let counts = await provider.close()
        #expect(counts.allSatisfy { $0 == 1 })
        #expect(host.violations.isEmpty)
    }

    static func directory(of file: String, up levels: Int) -> String {
        file.split(separator: "/", omittingEmptySubsequences: false).dropLast(levels).joined(separator: "/")
    }
}

extension FakeHTTP.Request {
    var isLogin: Bool { url.contains("/services/Soap/u/") || url.hasSuffix("/services/oauth2/token") }
    var isDescribe: Bool { url.hasSuffix("/describe") }
    /// Below the version of the API.
    var path: String { url.hasPrefix(SalesforceBench.base) ? String(url.dropFirst(SalesforceBench.base.count)) : url }
    var line: String { "\(method) \(path)" }
}

/// What an org has.
struct Org: Sendable {
    var objects: [String: JSONValue]

    static let full = Org(objects: ["Contact": contact(), "CRM_Event__c": event, "CRM_Event__e": message, "Task": task])
    static let plain = Org(objects: ["Contact": contact(custom: []), "Task": task])

    func answer(_ request: FakeHTTP.Request) -> FakeHTTP.Reply {
        if request.url.contains("/services/Soap/u/") { return Answer.login() }
        if request.url.hasSuffix("/services/oauth2/token") { return Answer.token }
        guard request.isDescribe, let name = request.url.split(separator: "/").dropLast().last else { return .status(500) }
        return objects[String(name)].map { Answer.json(200, $0) } ?? Answer.error(404, "NOT_FOUND", "The requested resource does not exist")
    }

    static func field(
        _ name: String, _ type: String = "string", length: Int = 80, writable: Bool = true, key: Bool = false, unique: Bool? = nil,
        relationship: String? = nil
    ) -> JSONValue {
        [
            "name": .string(name), "type": .string(type), "length": .integer(length), "createable": .bool(writable),
            "updateable": .bool(writable), "externalId": .bool(key), "unique": .bool(unique ?? key),
            "relationshipName": .optional(relationship),
        ]
    }

    static func object(_ name: String, _ fields: [JSONValue], createable: Bool = true, updateable: Bool = true) -> JSONValue {
        [
            "name": .string(name), "createable": .bool(createable), "updateable": .bool(updateable), "queryable": true,
            "fields": .array(fields),
        ]
    }

    static let custom = [
        field("External_Id__c", length: 60, key: true), field("Plan__c", length: 20), field("Score__c", "double", length: 0),
        field("Vip__c", "boolean", length: 0), field("Tags__c", "multipicklist", length: 100), field("Seen__c", "datetime", length: 0),
        field("Locale__c", length: 10),
    ]

    static func contact(custom: [JSONValue] = Org.custom, without hidden: Set<String> = []) -> JSONValue {
        let standard = [
            field("Id", "id", length: 18, writable: false), field("FirstName", length: 40), field("LastName"), field("Email", "email"),
            field("MobilePhone", "phone", length: 40), field("Title", length: 128), field("MailingStreet", "textarea", length: 255),
            field("MailingCity", length: 40), field("MailingState"), field("MailingPostalCode", length: 20), field("MailingCountry"),
            field("HasOptedOutOfEmail", "boolean", length: 0), field("LastModifiedDate", "datetime", length: 0, writable: false),
        ]
        return object("Contact", (standard + custom).filter { !hidden.contains($0["name"]?.stringValue ?? "") })
    }

    static let event = object(
        "CRM_Event__c",
        [
            field("External_Id__c", length: 60, key: true), field("Name__c", length: 255), field("Occurred_At__c", "datetime", length: 0),
            field("Amount__c", "currency", length: 0), field("Currency__c", length: 3), field("Payload__c", "textarea", length: 1_000),
            field("Contact__c", "reference", length: 18, relationship: "Contact__r"),
        ])
    static let message = object(
        "CRM_Event__e",
        [field("Name__c", length: 255), field("Payload__c", "textarea", length: 131_072)].map { field in
            var members = field.objectValue ?? [:]
            members["updateable"] = false
            return .object(members)
        }, updateable: false)
    static let task = object("Task", [field("Subject", length: 255)])
}

/// Salesforce's answers.
enum Answer {
    static let id = "003000000000001AAA"
    private static let json = [("content-type", "application/json;charset=UTF-8")]

    static func json(_ status: Int, _ body: JSONValue, _ headers: [(String, String)] = []) -> FakeHTTP.Reply {
        .json(status, body, json + headers)
    }

    static func error(
        _ status: Int, _ code: String, _ message: String = "Something is wrong.", fields: [String]? = nil,
        _ headers: [(String, String)] = []
    ) -> FakeHTTP.Reply {
        var error: JSONObject = ["message": .string(message), "errorCode": .string(code)]
        if let fields { error["fields"] = .array(fields.map(JSONValue.string)) }
        return json(status, [.object(error)], headers)
    }

    static func upserted(_ status: Int = 201, id: String = Answer.id) -> FakeHTTP.Reply {
        json(status, ["id": .string(id), "success": true, "errors": [], "created": .bool(status == 201)])
    }

    static let missing = error(404, "NOT_FOUND", "The requested resource does not exist")
    static let dead = error(401, "INVALID_SESSION_ID", "Session expired or invalid")

    static func rows(_ rows: JSONValue...) -> FakeHTTP.Reply {
        json(200, ["totalSize": .integer(rows.count), "done": true, "records": .array(rows)])
    }

    /// One row of a collection's answer.
    static func row(id: String = Answer.id) -> JSONValue { ["id": .string(id), "success": true, "errors": [], "created": true] }

    static func refusedRow(_ code: String, _ message: String = "", _ fields: [String] = []) -> JSONValue {
        [
            "success": false,
            "errors": [["statusCode": .string(code), "message": .string(message), "fields": .array(fields.map(JSONValue.string))]],
        ]
    }

    static func login(
        token: String = "00D000000000001!AQ.session", url: String = "https://acme.my.salesforce.com/services/Soap/u/64.0/00D000000000001",
        seconds: String = "7200", expired: Bool = false
    ) -> FakeHTTP.Reply {
        let body = """
            <?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" \
            xmlns="urn:partner.soap.sforce.com" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body><loginResponse>
            <result><metadataServerUrl>\(url)</metadataServerUrl><passwordExpired>\(expired)</passwordExpired><sandbox>false</sandbox>
            <serverUrl>\(url)</serverUrl><sessionId>\(token)</sessionId><userId>005000000000001AAA</userId><userInfo>
            <currencySymbol xsi:nil="true"/><organizationId>00D000000000001AAA</organizationId>
            <organizationName>Acme &amp; S&#246;hne</organizationName><sessionSecondsValid>\(seconds)</sessionSecondsValid>
            </userInfo></result></loginResponse></soapenv:Body></soapenv:Envelope>
            """
        return .response(200, [("content-type", "text/xml;charset=UTF-8")], Array(body.utf8))
    }

    static func fault(_ code: String, _ message: String = "something") -> FakeHTTP.Reply {
        let body = """
            <?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" \
            xmlns:sf="urn:fault.partner.soap.sforce.com" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>\
            <soapenv:Fault><faultcode>sf:\(code)</faultcode><faultstring>\(code): \(message)</faultstring><detail>\
            <sf:LoginFault xsi:type="sf:LoginFault"><sf:exceptionCode>\(code)</sf:exceptionCode>\
            <sf:exceptionMessage>\(message)</sf:exceptionMessage></sf:LoginFault></detail></soapenv:Fault></soapenv:Body></soapenv:Envelope>
            """
        return .response(500, [("content-type", "text/xml;charset=UTF-8")], Array(body.utf8))
    }

    static let token = json(
        200,
        [
            "access_token": "00D000000000001!AQ.token", "token_format": "opaque", "instance_url": "https://acme.my.salesforce.com",
            "id": "https://login.salesforce.com/id/00D000000000001AAA/005000000000001AAA", "token_type": "Bearer",
            "issued_at": "1793527242000",
        ])
}
