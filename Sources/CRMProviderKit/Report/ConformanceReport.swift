package import CRMCore

/// What the kit found out about a library.
package struct ConformanceReport: Sendable {
    package struct Row: Sendable {
        package let group: ConformanceCase.Group
        package let id: String
        package let title: String
        package let verdict: CaseVerdict

        init(_ one: ConformanceCase, _ verdict: CaseVerdict) {
            (group, id, title, self.verdict) = (one.group, one.id, one.title, verdict)
        }
    }

    /// How far a provider can be trusted.
    package enum Level: String, Sendable, Comparable {
        case none, loads, correct, robust

        private static let groups: [(Level, Set<ConformanceCase.Group>)] = [
            (.loads, [.library, .lifecycle]), (.correct, [.operations, .completion, .http]),
            (.robust, [.cancel, .secrets, .isolation, .fuzz, .endurance]),
        ]

        package static func < (left: Level, right: Level) -> Bool { left.rank < right.rank }
        private var rank: Int { Self.groups.firstIndex { $0.0 == self }.map { $0 + 1 } ?? 0 }

        fileprivate static func reached(failing: Set<ConformanceCase.Group>) -> Level {
            groups.prefix { $0.1.isDisjoint(with: failing) }.last?.0 ?? .none
        }
    }

    package let library: String
    package let seed: UInt64
    package let seconds: Double
    /// Every case was asked for; otherwise there is no level.
    package let isComplete: Bool
    package let rows: [Row]

    package var failures: [Row] { rows.filter { $0.verdict.outcome == .failed } }
    package var passes: Bool { failures.isEmpty }
    package var level: Level? { isComplete ? Level.reached(failing: Set(failures.map(\.group))) : nil }

    func count(_ outcome: CaseVerdict.Outcome, in group: ConformanceCase.Group? = nil) -> Int {
        rows.count { $0.verdict.outcome == outcome && (group == nil || $0.group == group) }
    }

    package var json: JSONValue {
        var object: JSONObject = ["library": .string(library), "seed": .string(String(seed)), "passed": .bool(passes)]
        object.set("level", level?.rawValue)
        object.set("seconds", JSONNumber((seconds * 1_000).rounded() / 1_000).map(JSONValue.number))
        object["cases"] = .array(
            rows.map { row in
                var item: JSONObject = [
                    "id": .string(row.id), "title": .string(row.title), "outcome": .string(row.verdict.outcome.rawValue),
                ]
                if !row.verdict.detail.isEmpty { item["detail"] = .string(row.verdict.detail) }
                item.set("seconds", JSONNumber((row.verdict.seconds * 1_000).rounded() / 1_000).map(JSONValue.number))
                return .object(item)
            })
        return .object(object)
    }
}
