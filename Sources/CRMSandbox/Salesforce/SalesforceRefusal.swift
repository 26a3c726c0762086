import CRMCore

/// Why Salesforce does not do what it was asked. The same refusal is spelt in two ways: `errorCode` in an answer that is an error, and
/// `statusCode` in a result that reports one.
struct SalesforceRefusal: Error {
    var status: Int
    var code: String
    var message: String
    var fields: [String] = []
    /// In place of the usual list: the records between which an external id does not decide.
    var matches: [JSONValue]?

    init(_ code: String, _ message: String, fields: [String] = [], status: Int = 400) {
        self.status = status
        self.code = code
        self.message = message
        self.fields = fields
    }

    func answer() -> Answer {
        if let matches { return .json(.array(matches), status: status, mediaType: Salesforce.mediaType) }
        var error: JSONObject = ["message": .string(message), "errorCode": .string(code)]
        if !fields.isEmpty { error["fields"] = .array(fields.map(JSONValue.string)) }
        return .json([.object(error)], status: status, mediaType: Salesforce.mediaType)
    }

    var result: JSONValue {
        [
            "success": false,
            "errors": [["statusCode": .string(code), "message": .string(message), "fields": .array(fields.map(JSONValue.string))]],
        ]
    }

    static let notFound = SalesforceRefusal("NOT_FOUND", "The requested resource does not exist", status: 404)
    static let badSession = SalesforceRefusal("INVALID_SESSION_ID", "Session expired or invalid", status: 401)

    static func method(_ method: String, allowed: String) -> SalesforceRefusal {
        SalesforceRefusal("METHOD_NOT_ALLOWED", "HTTP Method '\(method.prefix(10))' not allowed. Allowed are \(allowed)", status: 405)
    }

    static func noColumn(_ name: String, of object: String) -> SalesforceRefusal {
        SalesforceRefusal("INVALID_FIELD", "No such column '\(name.prefix(80))' on sobject of type \(object)")
    }

    static func unreadable(_ message: String) -> SalesforceRefusal { SalesforceRefusal("JSON_PARSER_ERROR", message) }

    static func malformedQuery(_ message: String) -> SalesforceRefusal { SalesforceRefusal("MALFORMED_QUERY", message) }
}
