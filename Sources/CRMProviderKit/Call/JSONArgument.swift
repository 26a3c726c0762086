package import CRMCore

/// JSON given on a command line: itself, or `@` and the file that holds it.
package enum JSONArgument {
    package struct Unusable: Error, CustomStringConvertible {
        package let description: String
    }

    /// An empty object for `nil`.
    package static func object(_ text: String?, _ option: String) throws(Unusable) -> JSONObject {
        guard let text else { return [:] }
        var bytes = Array(text.utf8)
        var place = ""
        if text.hasPrefix("@") {
            let path = String(text.dropFirst())
            guard let contents = SmallFile.read(path) else { throw Unusable(description: "\(option): \(path) cannot be read") }
            (bytes, place) = (contents, " in \(path)")
        }
        let value: JSONValue
        do {
            value = try JSONValue(parsing: bytes)
        } catch {
            let advice = text.hasPrefix("@") ? "" : "; for a file write @path"
            throw Unusable(description: "\(option): not JSON\(place): \(error.detail) at byte \(error.offset)\(advice)")
        }
        guard let object = value.objectValue else { throw Unusable(description: "\(option): must be a JSON object\(place)") }
        return object
    }
}
