import CRMCore

/// What is wrong with a conformance file, and where.
package struct ConformanceFileError: Error, Hashable, CustomStringConvertible {
    /// A JSON pointer; empty for the file as a whole.
    package let pointer: String
    package let detail: String

    package var description: String { pointer.isEmpty ? detail : "\(pointer) \(detail)" }
}

/// The members of one object of a conformance file. A name that nobody knows is an error: a misspelt member would test nothing.
struct JSONMembers {
    private let object: JSONObject
    let pointer: String

    init(_ value: JSONValue?, _ pointer: String, known: Set<String>) throws(ConformanceFileError) {
        guard let object = value?.objectValue else { throw ConformanceFileError(pointer: pointer, detail: "must be an object") }
        if let unknown = object.keys.first(where: { !known.contains($0) }) {
            throw ConformanceFileError(
                pointer: "\(pointer)/\(unknown)", detail: "is not known here; known are \(known.sorted().joined(separator: ", "))")
        }
        self.object = object
        self.pointer = pointer
    }

    subscript(name: String) -> JSONValue? { object[name] }

    func at(_ name: String) -> String { "\(pointer)/\(name)" }

    func error(_ name: String, _ detail: String) -> ConformanceFileError { ConformanceFileError(pointer: at(name), detail: detail) }

    func object(_ name: String) throws(ConformanceFileError) -> JSONObject? {
        guard let value = object[name] else { return nil }
        guard let members = value.objectValue else { throw error(name, "must be an object") }
        return members
    }

    func text(_ name: String) throws(ConformanceFileError) -> String? {
        guard let value = object[name] else { return nil }
        guard let text = value.stringValue, !text.isEmpty else { throw error(name, "must be a string that is not empty") }
        return text
    }

    func integer(_ name: String, in range: ClosedRange<Int>) throws(ConformanceFileError) -> Int? {
        guard let value = object[name] else { return nil }
        guard let number = value.intValue, range.contains(number) else {
            throw error(name, "must be a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    func flag(_ name: String) throws(ConformanceFileError) -> Bool? {
        guard let value = object[name] else { return nil }
        guard let flag = value.boolValue else { throw error(name, "must be true or false") }
        return flag
    }

    /// Each element with its pointer; none when the member is absent.
    func list(_ name: String) throws(ConformanceFileError) -> [(value: JSONValue, pointer: String)] {
        guard let value = object[name] else { return [] }
        guard let elements = value.arrayValue else { throw error(name, "must be an array") }
        return elements.enumerated().map { ($1, "\(at(name))/\($0)") }
    }

    func required<Value>(_ name: String, _ value: Value?) throws(ConformanceFileError) -> Value {
        guard let value else { throw error(name, "is missing") }
        return value
    }

    func status(_ name: String) throws(ConformanceFileError) -> ProviderStatus? {
        guard let text = try text(name) else { return nil }
        guard let status = ProviderStatus.allCases.first(where: { $0.name == text && $0 != .providerCrashed }) else {
            throw error(name, "must be one of \(ProviderStatus.allCases.dropLast().map(\.name).joined(separator: ", "))")
        }
        return status
    }

    func operation(_ name: String) throws(ConformanceFileError) -> ProviderOperation? {
        guard let text = try text(name) else { return nil }
        guard let operation = ProviderOperation(name: text) else {
            throw error(name, "must be one of \(ProviderOperation.allCases.map(\.name).joined(separator: ", "))")
        }
        return operation
    }
}
