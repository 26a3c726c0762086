/// The members of a JSON object, in the order in which they were written, each name once.
public struct JSONObject: Sendable {
    /// Not a tuple: the runtime copies and destroys arrays of tuples slowly.
    struct Member: Sendable {
        let key: String
        var value: JSONValue
    }

    private var members: [Member]

    public init() { members = [] }

    /// A repeated name keeps its first place and takes its last value.
    public init(_ elements: some Sequence<(String, JSONValue)>) {
        self.init()
        members.reserveCapacity(elements.underestimatedCount)
        for (key, value) in elements { put(key, value) }
    }

    /// `members` is known to hold each name once.
    init(unique members: [Member]) { self.members = members }

    public var keys: [String] { members.map(\.key) }

    public subscript(key: String) -> JSONValue? {
        get { members.firstIndex { $0.key == key }.map { members[$0].value } }
        set {
            if let newValue {
                put(key, newValue)
            } else if let index = members.firstIndex(where: { $0.key == key }) {
                members.remove(at: index)
            }
        }
    }

    private mutating func put(_ key: String, _ value: JSONValue) {
        if let index = members.firstIndex(where: { $0.key == key }) {
            members[index].value = value
        } else {
            // Most objects are small, and growing from one member to two to four costs more than some bytes.
            if members.capacity == 0 { members.reserveCapacity(8) }
            members.append(Member(key: key, value: value))
        }
    }

    /// Sets a member only when there is a value: absent and `null` differ in every CRM.
    public mutating func set(_ key: String, _ value: JSONValue?) {
        if let value { put(key, value) }
    }

    public mutating func set(_ key: String, _ text: String?) {
        if let text { put(key, .string(text)) }
    }
}

extension JSONObject {
    /// Calls `use` with each member, without the copies that iterating makes.
    func forEachMember(_ use: (_ key: String, _ value: JSONValue) -> Void) {
        for index in members.indices { use(members[index].key, members[index].value) }
    }
}

extension JSONObject: RandomAccessCollection {
    public var startIndex: Int { members.startIndex }
    public var endIndex: Int { members.endIndex }
    public subscript(position: Int) -> (key: String, value: JSONValue) { (members[position].key, members[position].value) }
}

extension JSONObject: Hashable {
    public static func == (left: JSONObject, right: JSONObject) -> Bool {
        left.count == right.count && left.allSatisfy { right[$0.key] == $0.value }
    }

    public func hash(into hasher: inout Hasher) {
        // Order-free, as equality is.
        var combined = 0
        for member in members {
            var hasher = Hasher()
            hasher.combine(member.key)
            hasher.combine(member.value)
            combined ^= hasher.finalize()
        }
        hasher.combine(combined)
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    public init(dictionaryLiteral elements: (String, JSONValue)...) { self.init(elements) }
}
