import CRMCore

/// A `$filter`, understood.
indirect enum CreatioCondition {
    enum Operator: String {
        case eq, ne, gt, ge, lt, le

        var name: String {
            switch self {
            case .eq: "Equal"
            case .ne: "NotEqual"
            case .gt: "GreaterThan"
            case .ge: "GreaterThanOrEqual"
            case .lt: "LessThan"
            case .le: "LessThanOrEqual"
            }
        }
    }

    enum Function: String { case contains, startswith, endswith }

    case both(CreatioCondition, CreatioCondition)
    case either(CreatioCondition, CreatioCondition)
    case not(CreatioCondition)
    /// `nil` stands for `null`.
    case compare(CreatioPath, Operator, CreatioValue?)
    case search(Function, CreatioPath, String)

    func holds(for row: CreatioTable.Row, of site: CreatioSite) -> Bool {
        switch self {
        case .both(let left, let right): left.holds(for: row, of: site) && right.holds(for: row, of: site)
        case .either(let left, let right): left.holds(for: row, of: site) || right.holds(for: row, of: site)
        case .not(let condition): !condition.holds(for: row, of: site)
        case .compare(let path, let comparison, let value):
            Self.compare(path.value(in: row, of: site), comparison, value, ignoringCase: !site.traits.isCore)
        case .search(let function, let path, let text):
            Self.search(function, path.value(in: row, of: site), text, ignoringCase: !site.traits.isCore)
        }
    }

    /// The few rows that can match, where the index tells; `nil` when all must be looked at.
    func candidates(in table: CreatioTable) -> Set<CreatioID>? {
        switch self {
        case .both(let left, let right): return left.candidates(in: table) ?? right.candidates(in: table)
        case .compare(let path, .eq, let value) where path.navigations.isEmpty:
            if case .guid(let id)? = value, path.column.name == "Id" { return table.rows[id] == nil ? [] : [id] }
            guard case .text(let text)? = value, !text.isEmpty, CreatioTable.isIndexed(path.column.name) else { return nil }
            return table.candidates(path.column.name, text)
        default: return nil
        }
    }

    private static func compare(
        _ held: CreatioValue?, _ comparison: Operator, _ wanted: CreatioValue?, ignoringCase: Bool
    ) -> Bool {
        guard let wanted else { return comparison == .eq ? held == nil : held != nil }
        // What is empty compares as what it reads as.
        let order: Int? =
            switch wanted {
            case .text(let right):
                {
                    guard case .text(let left) = held ?? .text("") else { return nil }
                    return ignoringCase ? Self.order(left.lowercased(), right.lowercased()) : Self.order(left, right)
                }()
            case .bool(let right): (held ?? .bool(false)) == .bool(right) ? 0 : 1
            case .guid(let right): (held ?? .guid(.zero)) == .guid(right) ? 0 : 1
            case .date(let right):
                if case .date(let left)? = held { Self.order(left, right) } else { -1 }
            case .integer(let right): Self.order(Self.number(held), Double(right))
            case .decimal(let right): Self.order(Self.number(held), right.double)
            }
        guard let order else { return false }
        return switch comparison {
        case .eq: order == 0
        case .ne: order != 0
        case .gt: order > 0
        case .ge: order >= 0
        case .lt: order < 0
        case .le: order <= 0
        }
    }

    private static func search(_ function: Function, _ held: CreatioValue?, _ text: String, ignoringCase: Bool) -> Bool {
        guard case .text(let held) = held ?? .text("") else { return false }
        let left = ignoringCase ? held.lowercased() : held
        let right = ignoringCase ? text.lowercased() : text
        return switch function {
        case .contains: right.isEmpty || left.firstRange(of: right) != nil
        case .startswith: left.hasPrefix(right)
        case .endswith: left.hasSuffix(right)
        }
    }

    static func number(_ value: CreatioValue?) -> Double {
        switch value {
        case .integer(let number): Double(number)
        case .decimal(let number): number.double
        default: 0
        }
    }

    private static func order<Value: Comparable>(_ left: Value, _ right: Value) -> Int { left == right ? 0 : left < right ? -1 : 1 }
}
