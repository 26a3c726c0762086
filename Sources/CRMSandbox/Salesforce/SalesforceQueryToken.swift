import CRMCore

/// A word, a text in quotes, a number or date, or a sign of a SOQL query.
enum SalesforceQueryToken: Equatable {
    case word(String)
    case text(String)
    /// Also dates and date-times: they are written without quotes.
    case number(String)
    case symbol(String)

    var source: String {
        switch self {
        case .word(let text), .number(let text), .symbol(let text): text
        case .text(let text): "'\(text)'"
        }
    }

    var literal: SalesforceQuery.Literal? {
        switch self {
        case .text(let text): return .text(text)
        case .word(let word):
            switch word.lowercased() {
            case "null": return .null
            case "true": return .bool(true)
            case "false": return .bool(false)
            default: return nil
            }
        case .number(let literal):
            if let number = JSONNumber(literal: literal) { return .number(number.double) }
            if let time = SalesforceTime.parse(literal) { return .time(time) }
            return Timestamp(rfc3339: "\(literal)T00:00:00Z").map { _ in .date(literal) }
        case .symbol: return nil
        }
    }

    static func read(_ query: String) throws(SalesforceRefusal) -> [SalesforceQueryToken] {
        var tokens: [SalesforceQueryToken] = []
        var rest = query.unicodeScalars[...]
        while let first = rest.first {
            if first.properties.isWhitespace {
                rest.removeFirst()
            } else if first == "'" {
                tokens.append(.text(try text(&rest)))
            } else if isLetter(first) {
                tokens.append(.word(takeWhile(&rest) { isLetter($0) || isDigit($0) || $0 == "." }))
            } else if isDigit(first) || first == "-" || first == "+" {
                rest.removeFirst()
                let more = takeWhile(&rest) { isDigit($0) || isLetter($0) || ".:-+".unicodeScalars.contains($0) }
                tokens.append(.number((first == "+" ? "" : String(first)) + more))
            } else if let symbol = ["!=", "<>", "<=", ">=", "<", ">", "=", "(", ")", ","].first(where: {
                rest.starts(with: $0.unicodeScalars)
            }) {
                rest.removeFirst(symbol.unicodeScalars.count)
                tokens.append(.symbol(symbol))
            } else {
                throw .malformedQuery("unexpected token: '\(first)'")
            }
        }
        return tokens
    }

    /// A text in single quotes; a backslash goes before what would end it or be invisible.
    private static func text(_ rest: inout Substring.UnicodeScalarView) throws(SalesforceRefusal) -> String {
        rest.removeFirst()
        var text = String.UnicodeScalarView()
        while let scalar = rest.popFirst() {
            if scalar == "'" { return String(text) }
            guard scalar == "\\" else {
                text.append(scalar)
                continue
            }
            switch rest.popFirst() {
            case "n", "N": text.append("\n")
            case "r", "R": text.append("\r")
            case "t", "T": text.append("\t")
            case "b", "B": text.append("\u{8}")
            case "f", "F": text.append("\u{C}")
            case let plain? where "\\'\"_%".unicodeScalars.contains(plain):
                // The two that LIKE knows stay marked, so that it can tell them from its wildcards.
                if plain == "_" || plain == "%" { text.append("\\") }
                text.append(plain)
            default: throw .malformedQuery("Invalid string escape sequence in a query")
            }
        }
        throw .malformedQuery("A text in the query has no closing quote")
    }

    private static func takeWhile(_ rest: inout Substring.UnicodeScalarView, _ belongs: (Unicode.Scalar) -> Bool) -> String {
        let taken = rest.prefix(while: belongs)
        rest.removeFirst(taken.count)
        return String(taken)
    }

    private static func isLetter(_ scalar: Unicode.Scalar) -> Bool { scalar == "_" || scalar.properties.isAlphabetic && scalar.isASCII }
    private static func isDigit(_ scalar: Unicode.Scalar) -> Bool { ("0"..."9").contains(scalar) }
}
