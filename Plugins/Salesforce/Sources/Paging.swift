internal import CRMPluginSDK

/// One query in SOQL. Values enter it as literals only, names are known or checked (`Settings.swift`).
struct Query {
    var fields: [String]
    var object = "Contact"
    var condition: String?
    var order: String?
    var limit: Int

    var text: String {
        let filter = condition.map { " WHERE \($0)" } ?? ""
        let sorting = order.map { " ORDER BY \($0)" } ?? ""
        return "SELECT \(fields.joined(separator: ",")) FROM \(object)\(filter)\(sorting) LIMIT \(limit)"
    }

    var parameter: String { "q=\(PercentEncoding.encode(text))" }

    /// A string between its quotes.
    static func literal(_ text: String) -> String {
        var literal = "'"
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": literal += "\\\\"
            case "'": literal += "\\'"
            case "\"": literal += "\\\""
            case "\n": literal += "\\n"
            case "\r": literal += "\\r"
            case "\t": literal += "\\t"
            case "\u{8}": literal += "\\b"
            case "\u{C}": literal += "\\f"
            default: literal.unicodeScalars.append(scalar)
            }
        }
        return literal + "'"
    }

    static func equals(_ field: String, _ value: String) -> String { "\(field) = \(literal(value))" }

    static func isIn(_ field: String, _ values: [String]) -> String {
        "\(field) IN (\(values.map(literal).joined(separator: ",")))"
    }
}

/// One page of the rows that a query found.
struct Page {
    let rows: [JSONValue]
    /// Of the next page, below the instance's address.
    let nextPath: String?

    init?(_ body: JSONValue?) {
        guard let rows = body?["records"]?.arrayValue else { return nil }
        self.rows = rows
        guard body?["done"] == false else {
            nextPath = nil
            return
        }
        // It comes from the other side, and the session goes where it says: nothing but a path of the API will do.
        guard let path = body?["nextRecordsUrl"]?.stringValue, path.hasPrefix("/services/data/v"), path.utf8.count <= 500,
            path.utf8.allSatisfy(Self.isOfPath), !path.contains("..")
        else { return nil }
        nextPath = path
    }

    private static func isOfPath(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "/"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
