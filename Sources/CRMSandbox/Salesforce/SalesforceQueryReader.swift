/// Reads the tokens of a SOQL query from left to right.
struct SalesforceQueryReader {
    private let tokens: [SalesforceQueryToken]
    private var position = 0

    init(_ tokens: [SalesforceQueryToken]) { self.tokens = tokens }

    private var next: SalesforceQueryToken? { position < tokens.count ? tokens[position] : nil }

    private var surprise: SalesforceRefusal {
        .malformedQuery("unexpected token: \(next.map { "'\($0.source.prefix(40))'" } ?? "<EOF>")")
    }

    mutating func take(word: String) -> Bool {
        guard case .word(let text) = next, text.lowercased() == word else { return false }
        position += 1
        return true
    }

    mutating func take(symbol: String) -> Bool {
        guard next == .symbol(symbol) else { return false }
        position += 1
        return true
    }

    mutating func expect(_ word: String) throws(SalesforceRefusal) { guard take(word: word) else { throw surprise } }
    mutating func expect(symbol: String) throws(SalesforceRefusal) { guard take(symbol: symbol) else { throw surprise } }
    func expectEnd() throws(SalesforceRefusal) { guard next == nil else { throw surprise } }

    private static let reserved: Set<String> = ["select", "from", "where", "and", "or", "not", "order", "limit", "offset", "in", "like"]

    mutating func name() throws(SalesforceRefusal) -> String {
        guard case .word(let text) = next, !Self.reserved.contains(text.lowercased()) else { throw surprise }
        position += 1
        return text
    }

    mutating func count() throws(SalesforceRefusal) -> Int {
        guard case .number(let literal) = next, let count = Int(literal), count >= 0 else { throw surprise }
        position += 1
        return count
    }

    mutating func order() throws(SalesforceRefusal) -> SalesforceQuery.Order {
        var order = SalesforceQuery.Order(column: try name())
        if take(word: "desc") { order.isDescending = true } else { _ = take(word: "asc") }
        if take(word: "nulls") {
            if take(word: "last") { order.nullsLast = true } else { try expect("first") }
        }
        return order
    }

    /// `and` and `or` mix only with parentheses.
    mutating func conditions() throws(SalesforceRefusal) -> SalesforceQuery.Condition {
        let first = try condition()
        var all = [first]
        if take(word: "and") {
            repeat { all.append(try condition()) } while take(word: "and")
            return .all(all)
        }
        if take(word: "or") {
            repeat { all.append(try condition()) } while take(word: "or")
            return .any(all)
        }
        return first
    }

    private mutating func condition() throws(SalesforceRefusal) -> SalesforceQuery.Condition {
        if take(word: "not") { return .not(try condition()) }
        if take(symbol: "(") {
            let inner = try conditions()
            try expect(symbol: ")")
            return inner
        }
        let column = try name()
        if take(word: "like") { return .comparison(column: column, .like, [try literal()]) }
        if take(word: "in") { return .comparison(column: column, .isIn, try list()) }
        if take(word: "not") {
            try expect("in")
            return .comparison(column: column, .isNotIn, try list())
        }
        let operators: [(String, SalesforceQuery.Operator)] = [
            ("=", .equal), ("!=", .unequal), ("<>", .unequal), ("<=", .lessOrEqual), (">=", .greaterOrEqual), ("<", .less), (">", .greater),
        ]
        for (symbol, comparison) in operators where take(symbol: symbol) {
            return .comparison(column: column, comparison, [try literal()])
        }
        throw surprise
    }

    private mutating func list() throws(SalesforceRefusal) -> [SalesforceQuery.Literal] {
        try expect(symbol: "(")
        var values: [SalesforceQuery.Literal] = []
        repeat { values.append(try literal()) } while take(symbol: ",")
        try expect(symbol: ")")
        return values
    }

    private mutating func literal() throws(SalesforceRefusal) -> SalesforceQuery.Literal {
        guard let token = next, let literal = token.literal else { throw surprise }
        position += 1
        return literal
    }
}
