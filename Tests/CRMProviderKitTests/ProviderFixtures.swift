import CRMProviderKit
import Glibc
import TestSupport

/// Providers in C, compiled as their authors compile them, in a directory that goes with the value.
final class ProviderFixtures: Sendable {
    struct CompilationFailed: Error, CustomStringConvertible { let description: String }

    static let packageRoot = String(#filePath.dropLast("/Tests/CRMProviderKitTests/ProviderFixtures.swift".count))
    static let folder = "\(packageRoot)/Tests/CRMProviderKitTests/Fixtures"

    let directory: String

    init() throws {
        var template = Array("/tmp/crm-kit-test.XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw CompilationFailed(description: "no temporary directory") }
        directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        for name in (try? Self.output(of: "ls -A '\(directory)'"))?.split(separator: "\n") ?? [] { unlink("\(directory)/\(name)") }
        rmdir(directory)
    }

    /// Blocks until the compiler has ended. `flags` are `-D` and linker flags.
    func compile(_ name: String, source: String = "\(ProviderFixtures.folder)/faulty.c", _ flags: [String] = []) throws -> String {
        let path = "\(directory)/lib\(name).so"
        let words =
            [
                "cc", "-shared", "-fPIC", "-fvisibility=hidden", "-std=gnu11", "-I", "\(Self.packageRoot)/Sources/CRMPluginAPI/include",
                source,
                "-o", path + ".new", "-pthread",
            ] + flags
        _ = try Self.output(of: words.map { "'\($0)'" }.joined(separator: " ") + " 2>&1")
        guard rename(path + ".new", path) == 0 else { throw CompilationFailed(description: "rename: \(errno)") }
        return path
    }

    func write(_ text: String, _ name: String) throws -> String {
        let path = "\(directory)/\(name)"
        if let reason = SmallFile.write(Array(text.utf8), to: path) { throw CompilationFailed(description: reason) }
        return path
    }

    private static func output(of command: String) throws -> String {
        guard let pipe = popen(command, "r") else { throw CompilationFailed(description: "no shell") }
        var output = ""
        var buffer = [CChar](repeating: 0, count: 4_096)
        while let line = fgets(&buffer, Int32(buffer.count), pipe) { output += String(cString: line) }
        guard pclose(pipe) == 0 else { throw CompilationFailed(description: output) }
        return output
    }
}
