import CRMCore

/// Reads the part of `$filter` that Creatio's callers use: comparisons, `and`, `or`, `not`, parentheses and three text functions.
struct CreatioConditionParser {
    private enum Token: Equatable {
        case word(String)
        case text(String)
        case open, close, comma
    }

    private let schema: CreatioSchema
    private let site: CreatioSite
    private var tokens: [Token]
    private var position = 0
    private var depth = 0

    static func parse(_ text: String, in schema: CreatioSchema, of site: CreatioSite) throws(CreatioRefusal) -> CreatioCondition {
        var parser = CreatioConditionParser(schema: schema, site: site, tokens: try tokens(of: text))
        let condition = try parser.alternatives()
        guard parser.position == parser.tokens.count else { throw syntaxError }
        return condition
    }

    private init(schema: CreatioSchema, site: CreatioSite, tokens: [Token]) {
        self.schema = schema
        self.site = site
        self.tokens = tokens
    }

    private mutating func alternatives() throws(CreatioRefusal) -> CreatioCondition {
        var condition = try conjunction()
        while take(.word("or")) { condition = .either(condition, try conjunction()) }
        return condition
    }

    private mutating func conjunction() throws(CreatioRefusal) -> CreatioCondition {
        var condition = try term()
        while take(.word("and")) { condition = .both(condition, try term()) }
        return condition
    }

    private mutating func term() throws(CreatioRefusal) -> CreatioCondition {
        depth += 1
        defer { depth -= 1 }
        guard depth <= 100 else { throw .bad("The node count limit of the filter was exceeded.") }
        if take(.word("not")) { return .not(try term()) }
        if take(.open) {
            let condition = try alternatives()
            guard take(.close) else { throw Self.syntaxError }
            return condition
        }
        guard case .word(let word)? = next() else { throw Self.syntaxError }
        if take(.open) { return try function(word) }
        let path = try CreatioPath(word, in: schema, of: site)
        guard case .word(let symbol)? = next(), let comparison = CreatioCondition.Operator(rawValue: symbol) else { throw Self.syntaxError }
        return .compare(path, comparison, try literal(for: path.column, comparison))
    }

    /// The opening parenthesis is taken.
    private mutating func function(_ name: String) throws(CreatioRefusal) -> CreatioCondition {
        guard let function = CreatioCondition.Function(rawValue: name) else {
            throw .bad("An unknown function with name '\(name)' was found.")
        }
        guard case .word(let word)? = next(), take(.comma), case .text(let text)? = next(), take(.close) else { throw Self.syntaxError }
        let path = try CreatioPath(word, in: schema, of: site)
        guard path.column.kind == .text else { throw .bad("No function signature for the function '\(name)' matches its arguments.") }
        return .search(function, path, text)
    }

    /// Texts in quotes, everything else bare, and each only with a column of its type.
    private mutating func literal(
        for column: CreatioColumn, _ comparison: CreatioCondition.Operator
    ) throws(CreatioRefusal) -> CreatioValue? {
        let isEquality = comparison == .eq || comparison == .ne
        func mismatch(_ type: String) -> CreatioRefusal {
            .bad(
                "A binary operator with incompatible types was detected. Found operand types '\(column.edmType)' and '\(type)' "
                    + "for operator kind '\(comparison.name)'.")
        }
        switch next() {
        case .text(let text):
            guard column.kind == .text else { throw mismatch("Edm.String") }
            return .text(text)
        case .word("null"):
            guard isEquality else { throw mismatch("<null>") }
            return nil
        case .word("true"), .word("false"):
            guard column.kind == .bool, isEquality else { throw mismatch("Edm.Boolean") }
            return .bool(tokens[position - 1] == .word("true"))
        case .word(let word):
            if let id = CreatioID(word) {
                guard column.edmType == "Edm.Guid", isEquality else { throw mismatch("Edm.Guid") }
                return .guid(id)
            }
            if let number = JSONNumber(literal: word) {
                guard column.kind == .integer || column.kind == .decimal else { throw mismatch("Edm.Decimal") }
                return .decimal(number)
            }
            if let time = Timestamp(rfc3339: word) {
                guard column.kind == .date else { throw mismatch("Edm.DateTimeOffset") }
                return .date(time)
            }
            throw Self.syntaxError
        default: throw Self.syntaxError
        }
    }

    private mutating func next() -> Token? {
        guard position < tokens.count else { return nil }
        position += 1
        return tokens[position - 1]
    }

    private mutating func take(_ token: Token) -> Bool {
        guard position < tokens.count, tokens[position] == token else { return false }
        position += 1
        return true
    }

    private static let syntaxError = CreatioRefusal.bad("Syntax error in the query specified in URI.")

    private static func tokens(of text: String) throws(CreatioRefusal) -> [Token] {
        var tokens: [Token] = []
        var rest = text[...]
        while let first = rest.first {
            switch first {
            case " ": rest.removeFirst()
            case "(", ")", ",":
                tokens.append(first == "(" ? .open : first == ")" ? .close : .comma)
                rest.removeFirst()
            case "'":
                var value = ""
                rest.removeFirst()
                while true {
                    guard let end = rest.firstIndex(of: "'") else { throw syntaxError }
                    value += rest[..<end]
                    rest = rest[rest.index(after: end)...]
                    guard rest.first == "'" else { break }
                    value += "'"
                    rest.removeFirst()
                }
                // A quote that ends a text cannot be followed by a word at once.
                guard rest.first.map({ " ),".contains($0) }) ?? true else { throw syntaxError }
                tokens.append(.text(value))
            default:
                let word = rest.prefix { !" (),'".contains($0) }
                rest = rest[word.endIndex...]
                // `guid'…'` and `datetime'…'` are OData 3.
                guard rest.first != "'" else { throw syntaxError }
                tokens.append(.word(String(word)))
            }
        }
        return tokens
    }
}
