import CRMCore
import Glibc

extension ScriptedCRM {
    /// The CRMs of some files; none may have the name of another one.
    static func load(_ paths: [String], besides names: [String]) throws(SetupError) -> [ScriptedCRM] {
        var taken = Set(names + ["journal", "script", "clock", "accounts", "healthz"])
        var crms: [ScriptedCRM] = []
        for path in paths {
            let crm: ScriptedCRM
            do throws(SetupError) {
                crm = try ScriptedCRM(try json(path), at: "$")
            } catch {
                throw SetupError("\(path): \(error.description)")
            }
            guard taken.insert(crm.name).inserted else { throw SetupError("\(path): the name \"\(crm.name)\" is taken; choose another.") }
            crms.append(crm)
        }
        return crms
    }

    private static func json(_ path: String) throws(SetupError) -> JSONValue {
        let bytes = try bytes(path)
        do throws(JSONError) {
            return try JSONValue(parsing: bytes)
        } catch {
            throw SetupError("not JSON: it \(error.detail), after \(error.offset) bytes.")
        }
    }

    private static func bytes(_ path: String) throws(SetupError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SetupError("cannot be read: \(systemErrorText()).") }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            guard count >= 0 else { throw SetupError("cannot be read: \(systemErrorText()).") }
            guard count > 0 else { return bytes }
            bytes += buffer[..<count]
            guard bytes.count <= 1_048_576 else { throw SetupError("is larger than 1 MiB.") }
        }
    }
}
