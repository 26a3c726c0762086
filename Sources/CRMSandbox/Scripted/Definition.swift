import CRMCore

/// An object of a scripted CRM's file, with the way to it for messages. Members that nobody asks for are mistakes.
struct Definition {
    let members: JSONObject
    let place: String

    init(_ value: JSONValue, at place: String, knowing names: Set<String>) throws(SetupError) {
        guard let members = value.objectValue else { throw SetupError("\(place) is not an object.") }
        if let unknown = members.keys.first(where: { !names.contains($0) && $0 != "about" }) {
            throw SetupError("\(place) has no member \"\(unknown.prefix(40))\"; it knows \(names.sorted().joined(separator: ", ")), about.")
        }
        self.members = members
        self.place = place
    }

    subscript(name: String) -> JSONValue? { members[name] }

    func text(_ name: String) throws(SetupError) -> String? {
        guard let value = members[name] else { return nil }
        guard let text = value.stringValue, !text.isEmpty else { throw SetupError("\(place).\(name) is not a text.") }
        return text
    }

    func required(_ name: String) throws(SetupError) -> String {
        guard let text = try text(name) else { throw SetupError("\(place) has no member \"\(name)\".") }
        return text
    }

    func flag(_ name: String) throws(SetupError) -> Bool {
        guard let value = members[name] else { return false }
        guard let flag = value.boolValue else { throw SetupError("\(place).\(name) is not true or false.") }
        return flag
    }

    func object(_ name: String) throws(SetupError) -> JSONObject {
        guard let value = members[name] else { return [:] }
        guard let object = value.objectValue else { throw SetupError("\(place).\(name) is not an object.") }
        return object
    }

    func array(_ name: String) throws(SetupError) -> [JSONValue] {
        guard let value = members[name] else { return [] }
        guard let array = value.arrayValue else { throw SetupError("\(place).\(name) is not an array.") }
        return array
    }

    func texts(_ name: String) throws(SetupError) -> [String] {
        var texts: [String] = []
        for element in try array(name) {
            guard let text = element.stringValue else { throw SetupError("\(place).\(name) is not an array of texts.") }
            texts.append(text)
        }
        return texts
    }

    /// A JSON pointer to a part of the body.
    func pointer(_ name: String) throws(SetupError) -> JSONPointer? {
        guard let text = try text(name) else { return nil }
        return try Self.pointer(text, "\(place).\(name)")
    }

    static func pointer(_ text: String, _ place: String) throws(SetupError) -> JSONPointer {
        guard text.hasPrefix("/") else {
            throw SetupError("\(place) is a JSON pointer and begins with a slash, such as \"/inputs\", not \"\(text.prefix(40))\".")
        }
        return JSONPointer(text)
    }

    func template(_ name: String) throws(SetupError) -> Template? {
        if let value = members[name] { try template(name, value) } else { nil }
    }

    func template(_ name: String, or usual: JSONValue) throws(SetupError) -> Template { try template(name, members[name] ?? usual) }

    private func template(_ name: String, _ value: JSONValue) throws(SetupError) -> Template {
        do throws(SetupError) {
            return try Template(value)
        } catch {
            throw SetupError("\(place).\(name): \(error.description)")
        }
    }
}
