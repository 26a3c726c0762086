/// The options of a read, understood.
struct CreatioQuery {
    struct Expansion {
        let navigation: CreatioColumn
        let schema: CreatioSchema
        let columns: [CreatioColumn]?
    }

    /// How many rows one answer holds, whatever is asked for.
    static let rowLimit = 20_000

    private(set) var columns: [CreatioColumn]?
    private(set) var condition: CreatioCondition?
    private(set) var order: [(path: CreatioPath, isDescending: Bool)] = []
    private(set) var expansions: [Expansion] = []
    private(set) var top = CreatioQuery.rowLimit
    private(set) var skip = 0
    private(set) var counts = false

    private static let names: Set<String> = ["$filter", "$select", "$expand", "$orderby", "$top", "$skip", "$count"]
    /// What a request for one record may bring.
    private static let recordNames: Set<String> = ["$select", "$expand"]

    init(_ query: Query, in schema: CreatioSchema, of site: CreatioSite, isRecord: Bool = false) throws(CreatioRefusal) {
        var seen: Set<String> = []
        for (name, value) in query.parameters where name.hasPrefix("$") {
            guard (isRecord ? Self.recordNames : Self.names).contains(name) else {
                throw .bad("The query parameter '\(name)' is not supported.")
            }
            guard seen.insert(name).inserted else { throw .bad("Query option '\(name)' was specified more than once.") }
            switch name {
            case "$filter": condition = try CreatioConditionParser.parse(value, in: schema, of: site)
            case "$select": columns = try Self.columns(value, in: schema)
            case "$expand": expansions = try Self.expansions(value, in: schema, of: site)
            case "$orderby": order = try Self.order(value, in: schema, of: site)
            case "$top": top = min(try Self.number(value, name), Self.rowLimit)
            case "$skip": skip = try Self.number(value, name)
            default:
                guard value == "true" || value == "false" else { throw .bad("Invalid value '\(value)' for $count query option found.") }
                counts = value == "true"
            }
        }
    }

    /// What the address of the metadata says about an answer's shape: `(Id,Name,Account(Name))`.
    var shape: String {
        let expanded = expansions.map { expansion in
            (expansion.navigation.navigation ?? "") + "(" + (expansion.columns ?? []).map(\.name).joined(separator: ",") + ")"
        }
        guard columns != nil || !expanded.isEmpty else { return "" }
        return "(" + ((columns ?? []).map(\.name) + expanded).joined(separator: ",") + ")"
    }

    private static func number(_ text: String, _ name: String) throws(CreatioRefusal) -> Int {
        guard let number = Int(text), number >= 0, !text.hasPrefix("+") else {
            throw .bad("Invalid value '\(text)' for \(name) query option found. It requires a non-negative integer value.")
        }
        return number
    }

    private static func columns(_ text: String, in schema: CreatioSchema) throws(CreatioRefusal) -> [CreatioColumn] {
        var columns: [CreatioColumn] = []
        for name in parts(of: text) {
            guard let column = schema.column(name) else { throw .noProperty(name, in: schema) }
            columns.append(column)
        }
        return columns
    }

    private static func order(
        _ text: String, in schema: CreatioSchema, of site: CreatioSite
    ) throws(CreatioRefusal) -> [(path: CreatioPath, isDescending: Bool)] {
        var order: [(path: CreatioPath, isDescending: Bool)] = []
        for part in parts(of: text) {
            let words = part.split(separator: " ")
            guard let name = words.first, words.count == 1 || (words.count == 2 && ["asc", "desc"].contains(words[1])) else {
                throw .bad("Syntax error in the query specified in URI.")
            }
            order.append((try CreatioPath(String(name), in: schema, of: site), words.last == "desc"))
        }
        return order
    }

    private static func expansions(
        _ text: String, in schema: CreatioSchema, of site: CreatioSite
    ) throws(CreatioRefusal) -> [Expansion] {
        var expansions: [Expansion] = []
        for part in parts(of: text) {
            let name = part.prefix { $0 != "(" }
            guard let navigation = schema.column(navigation: String(name)), let target = navigation.target,
                let table = site.tables[target]
            else { throw .noProperty(String(name), in: schema) }
            var selected: [CreatioColumn]?
            if name.endIndex < part.endIndex {
                let inner = part[name.endIndex...]
                guard inner.hasPrefix("($select="), inner.hasSuffix(")") else {
                    throw .bad("Syntax error in the query specified in URI.")
                }
                selected = try columns(String(inner.dropFirst(9).dropLast()), in: table.schema)
            }
            expansions.append(Expansion(navigation: navigation, schema: table.schema, columns: selected))
        }
        return expansions
    }

    /// Split at commas outside of parentheses.
    private static func parts(of text: String) -> [String] {
        var parts: [String] = []
        var part = ""
        var depth = 0
        for character in text {
            if character == "(" { depth += 1 }
            if character == ")" { depth -= 1 }
            if character == ",", depth == 0 {
                parts.append(part)
                part = ""
            } else if character != " " || !part.isEmpty {
                part.append(character)
            }
        }
        return (parts + [part]).map { String($0.trimmingSuffix { $0 == " " }) }
    }
}

extension String {
    fileprivate func trimmingSuffix(while isDropped: (Character) -> Bool) -> Substring {
        var rest = self[...]
        while let last = rest.last, isDropped(last) { rest.removeLast() }
        return rest
    }
}
