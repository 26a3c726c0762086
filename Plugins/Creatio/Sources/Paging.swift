internal import CRMPluginSDK

/// A question for records of one kind: which ones, and what of them.
struct Page: Sendable {
    let entity: String
    private let filter: Filter?
    private let selected: [String]
    private let expansions: [String]
    private let isOrdered: Bool
    private let top: Int

    init(
        _ entity: String, _ filter: Filter? = nil, select columns: [String] = [], expand expansions: [String] = [], isOrdered: Bool = false,
        top: Int = 1
    ) {
        self.entity = entity
        self.filter = filter
        var selected = ["Id"]
        for column in columns where !selected.contains(column) { selected.append(column) }
        self.selected = selected
        self.expansions = expansions
        self.isOrdered = isOrdered
        self.top = top
    }

    var columns: [String] { selected + (filter.map { [$0.column] } ?? []) }

    var query: String {
        var options = [("$top", String(top))]
        if let filter { options.append(("$filter", filter.text)) }
        options += shapeOptions
        if isOrdered { options.append(("$orderby", "CreatedOn asc")) }
        return Self.encoded(options)
    }

    /// For one record that is asked for by its id.
    var shape: String { Self.encoded(shapeOptions) }

    private var shapeOptions: [(String, String)] {
        let select = [("$select", selected.joined(separator: ","))]
        return expansions.isEmpty ? select : select + [("$expand", expansions.joined(separator: ","))]
    }

    private static func encoded(_ options: [(String, String)]) -> String {
        options.map { "\($0.0)=\(PercentEncoding.encode($0.1))" }.joined(separator: "&")
    }
}

/// A condition on a text column.
struct Filter: Sendable {
    fileprivate let column: String
    fileprivate let text: String

    /// A quote inside a value is doubled: it stays part of the value. By bytes, for a quote with an accent on it is still one.
    static func equals(_ column: String, _ value: String) -> Filter {
        let quote = UInt8(ascii: "'")
        let literal = value.utf8.flatMap { $0 == quote ? [quote, quote] : [$0] }
        return Filter(column: column, text: "\(column) eq '\(String(decoding: literal, as: UTF8.self))'")
    }

    /// Some databases tell capitals apart, and people type addresses as they like.
    static func address(_ column: String, _ email: String) -> Filter {
        let lower = email.lowercased()
        let asTyped = equals(column, email)
        return lower == email ? asTyped : Filter(column: column, text: "\(asTyped.text) or \(equals(column, lower).text)")
    }
}
