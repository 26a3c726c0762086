import CRMCore

/// One REST request below the version, as it arrived or as a part of a composite one.
struct SalesforceAsk {
    private static let jsonLimits = JSONLimits(maximumDepth: 64, maximumTokens: 500_000)

    let method: String
    let path: [String]
    let query: Query
    /// `nil` without a body.
    let body: JSONValue?
    /// Whether a duplicate rule that only warns is to be passed over.
    let allowsDuplicates: Bool
    let batchSize: Int
    /// A composite request cannot hold another.
    let isPart: Bool
    var interference = Interference()

    init(_ request: Request, path: [String]) throws(SalesforceRefusal) {
        method = request.method
        self.path = path
        query = request.query
        isPart = false
        interference = request.interference
        allowsDuplicates = Self.option("allowSave", in: request.header("sforce-duplicate-rule-header")) == "true"
        batchSize = try Self.batchSize(Self.option("batchSize", in: request.header("sforce-query-options")))
        guard !request.body.isEmpty, method != "GET" else {
            body = nil
            return
        }
        guard request.mediaType == "application/json" else {
            throw SalesforceRefusal(
                "UNSUPPORTED_MEDIA_TYPE", "Content type not supported; the sandbox plays application/json.", status: 415)
        }
        do {
            body = try request.json(limits: Self.jsonLimits)
        } catch {
            let before = request.body.prefix(error.offset)
            let line = before.count { $0 == UInt8(ascii: "\n") } + 1
            let column = before.reversed().prefix { $0 != UInt8(ascii: "\n") }.count + 1
            throw .unreadable("The body \(error.detail) at [line:\(line), column:\(column)]")
        }
    }

    init(method: String, path: [String], query: Query, body: JSONValue?, headers: JSONObject) throws(SalesforceRefusal) {
        func header(_ name: String) -> String? { headers.first { $0.key.lowercased() == name }?.value.stringValue }
        self.method = method
        self.path = path
        self.query = query
        self.body = body
        isPart = true
        allowsDuplicates = Self.option("allowSave", in: header("sforce-duplicate-rule-header")) == "true"
        batchSize = try Self.batchSize(Self.option("batchSize", in: header("sforce-query-options")))
    }

    var object: JSONObject {
        get throws(SalesforceRefusal) {
            guard let body else { throw .unreadable("No content to map to Object due to end of input") }
            guard let object = body.objectValue else { throw .unreadable("The body is not an object at [line:1, column:1]") }
            return object
        }
    }

    /// `name=value` among others, separated by commas.
    private static func option(_ name: String, in header: String?) -> String? {
        for part in header?.split(whereSeparator: { $0 == "," || $0 == ";" }) ?? [] {
            let pair = part.split(separator: "=", maxSplits: 1).map { $0.filter { $0 != " " } }
            if pair.count == 2, pair[0].lowercased() == name.lowercased() { return pair[1].lowercased() }
        }
        return nil
    }

    private static func batchSize(_ text: String?) throws(SalesforceRefusal) -> Int {
        guard let text else { return 2_000 }
        guard let size = Int(text), (200...2_000).contains(size) else {
            throw SalesforceRefusal("INVALID_QUERY_OPTIONS", "batchSize is a number from 200 to 2000.")
        }
        return size
    }
}
