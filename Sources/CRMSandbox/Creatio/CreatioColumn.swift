import CRMCore

/// One column of an object.
struct CreatioColumn {
    enum Kind: Hashable {
        case id, text, bool, integer, decimal, date
        /// The flat name ends in `Id`; the navigation property leads to the object named here.
        case lookup(String)
    }

    let name: String
    let kind: Kind
    var isRequired = false
    /// Set by the server; what a client sends is not taken.
    var isSystem = false

    static func text(_ name: String, isRequired: Bool = false) -> CreatioColumn {
        CreatioColumn(name: name, kind: .text, isRequired: isRequired)
    }

    static func bool(_ name: String) -> CreatioColumn { CreatioColumn(name: name, kind: .bool) }
    static func date(_ name: String) -> CreatioColumn { CreatioColumn(name: name, kind: .date) }

    /// `name` is the navigation property's: `Account` for `AccountId`.
    static func lookup(_ name: String, _ target: String? = nil) -> CreatioColumn {
        CreatioColumn(name: name + "Id", kind: .lookup(target ?? name))
    }

    var navigation: String? {
        if case .lookup = kind { String(name.dropLast(2)) } else { nil }
    }

    var target: String? {
        if case .lookup(let target) = kind { target } else { nil }
    }

    var edmType: String {
        switch kind {
        case .id, .lookup: "Edm.Guid"
        case .text: "Edm.String"
        case .bool: "Edm.Boolean"
        case .integer: "Edm.Int32"
        case .decimal: "Edm.Decimal"
        case .date: "Edm.DateTimeOffset"
        }
    }

    /// How a value reads, the empty one included: never `null`.
    func json(_ value: CreatioValue?, decimalsAsText: Bool) -> JSONValue {
        switch value {
        case .text(let text): .string(text)
        case .bool(let flag): .bool(flag)
        case .integer(let number): .integer(number)
        case .decimal(let number): decimalsAsText ? .string(number.literal) : .number(number)
        case .date(let time): .string(CreatioTime.text(time))
        case .guid(let id): .string(id.description)
        case nil: emptyValue(decimalsAsText)
        }
    }

    private func emptyValue(_ decimalsAsText: Bool) -> JSONValue {
        switch kind {
        case .id, .lookup: .string(CreatioID.zero.description)
        case .text: ""
        case .bool: false
        case .integer: 0
        case .decimal: decimalsAsText ? "0" : 0
        case .date: .string(CreatioTime.empty)
        }
    }

    /// `nil` for what empties the column.
    func value(from json: JSONValue, decimalsAsText: Bool) throws(CreatioRefusal) -> CreatioValue? {
        if json.isNull { return nil }
        switch kind {
        case .id, .lookup:
            guard let id = json.stringValue.flatMap({ CreatioID($0) }) else { throw .cannotConvert(self) }
            return id == .zero ? nil : .guid(id)
        case .text:
            guard let text = json.stringValue else { throw .cannotConvert(self) }
            return text.isEmpty ? nil : .text(text)
        case .bool:
            guard let flag = json.boolValue else { throw .cannotConvert(self) }
            return .bool(flag)
        case .integer:
            guard json.numberValue?.literal.contains(".") == false, let number = json.intValue else { throw .cannotConvert(self) }
            return .integer(number)
        case .decimal:
            let number = decimalsAsText ? json.stringValue.flatMap { JSONNumber(literal: $0) } : json.numberValue
            guard let number else { throw .cannotConvert(self) }
            return .decimal(number)
        case .date:
            if json.stringValue == CreatioTime.empty { return nil }
            guard let time = json.stringValue.flatMap({ Timestamp(rfc3339: $0) }) else { throw .cannotConvert(self) }
            return .date(time)
        }
    }
}
