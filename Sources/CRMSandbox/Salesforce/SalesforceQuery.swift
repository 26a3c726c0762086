import CRMCore

/// A SOQL query, as far as clients write them: one object, columns, conditions, an order, a limit.
struct SalesforceQuery {
    indirect enum Condition {
        case comparison(column: String, Operator, [Literal])
        case all([Condition])
        case any([Condition])
        case not(Condition)
    }

    enum Operator {
        case equal, unequal, less, lessOrEqual, greater, greaterOrEqual, like, isIn, isNotIn
    }

    enum Literal: Equatable {
        case text(String)
        case number(Double)
        case bool(Bool)
        case date(String)
        case time(Timestamp)
        case null
    }

    struct Order {
        var column: String
        var isDescending = false
        var nullsLast = false
    }

    private(set) var columns: [String] = []
    private(set) var countsOnly = false
    private(set) var object = ""
    private(set) var condition: Condition?
    private(set) var order: [Order] = []
    private(set) var limit: Int?
    private(set) var offset = 0

    init(_ text: String) throws(SalesforceRefusal) {
        var reader = SalesforceQueryReader(try SalesforceQueryToken.read(text))
        try reader.expect("select")
        if reader.take(word: "count") {
            try reader.expect(symbol: "(")
            try reader.expect(symbol: ")")
            countsOnly = true
        } else {
            repeat { columns.append(try reader.name()) } while reader.take(symbol: ",")
        }
        try reader.expect("from")
        object = try reader.name()
        if reader.take(word: "where") { condition = try reader.conditions() }
        if reader.take(word: "order") {
            try reader.expect("by")
            repeat { order.append(try reader.order()) } while reader.take(symbol: ",")
        }
        if reader.take(word: "limit") { limit = try reader.count() }
        if reader.take(word: "offset") { offset = try reader.count() }
        guard offset <= 2_000 else { throw SalesforceRefusal("NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOQL offset allowed is 2000") }
        try reader.expectEnd()
    }
}
