import CRMCore

/// What kind of site a merchant has: read off the front of the merchant's address, and changed by settings.
struct CreatioTraits {
    /// .NET Core: no `/0` in paths, PostgreSQL's case rules, the newer login answer.
    private(set) var isCore = false
    /// No custom columns and objects.
    private(set) var isPlain = false
    /// The identity service takes the client's credentials as HTTP Basic only.
    private(set) var wantsBasic = false
    /// CSRF protection is switched off.
    private(set) var lacksCSRF = false
    /// The user may not write.
    private(set) var isReadOnly = false
    /// Objects whose OData description is still being rebuilt.
    private(set) var rebuilding: Set<String> = []

    private static var words: [(word: String, trait: WritableKeyPath<CreatioTraits, Bool>)] {
        [("core", \.isCore), ("plain", \.isPlain), ("basic", \.wantsBasic), ("nocsrf", \.lacksCSRF), ("readonly", \.isReadOnly)]
    }

    /// The words stand at the front, in any order: `coreplain.ada@shop.test`.
    init(email: String) {
        var rest = email[...]
        while let (word, trait) = Self.words.first(where: { rest.hasPrefix($0.word) }) {
            self[keyPath: trait] = true
            rest = rest.dropFirst(word.count)
        }
    }

    mutating func apply(_ settings: JSONObject) throws(SetupError) {
        for (name, value) in settings {
            if name == "rebuilding", let objects = value.arrayValue {
                rebuilding = Set(objects.compactMap(\.stringValue))
            } else if let (_, trait) = Self.words.first(where: { $0.word == name }), let flag = value.boolValue {
                self[keyPath: trait] = flag
            } else {
                throw SetupError(
                    "creatio's settings are \(Self.words.map(\.word).joined(separator: ", ")), each true or false, and rebuilding, a list of "
                        + "objects; not \"\(name.prefix(40))\".")
            }
        }
    }
}
