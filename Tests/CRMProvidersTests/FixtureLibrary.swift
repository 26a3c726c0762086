import CRMTransport
import Glibc
import Testing

/// Compiles providers in C against the header, as their authors do.
enum FixtureLibrary {
    struct CompilationFailed: Error, CustomStringConvertible { let description: String }

    static let packageRoot = String(#filePath.dropLast("/Tests/CRMProvidersTests/FixtureLibrary.swift".count))

    /// `flags` are `-D` and linker flags.
    static func compile(
        _ source: String = "Tests/CRMProvidersTests/Fixtures/fixture.c", to path: String, _ flags: String...
    ) async throws {
        let words =
            [
                "cc", "-shared", "-fPIC", "-fvisibility=hidden", "-std=gnu11", "-I", "\(packageRoot)/Sources/CRMPluginAPI/include",
                "\(packageRoot)/\(source)", "-o", path + ".new", "-pthread", "-Werror=implicit-function-declaration",
            ] + flags
        let command = words.map { "'\($0)'" }.joined(separator: " ") + " 2>&1"
        // On a thread of its own: Swift's few would all stand still behind compilers.
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            do {
                try DetachedThread.start { continuation.resume(with: Result { try run(command) }) }
            } catch {
                continuation.resume(throwing: error)
            }
        }
        // In one step, as whoever installs a library should.
        guard rename(path + ".new", path) == 0 else { throw CompilationFailed(description: "rename: \(errno)") }
    }

    private static func run(_ command: String) throws {
        guard let pipe = popen(command, "r") else { throw CompilationFailed(description: "no cc") }
        var output = ""
        while let line = readLine(from: pipe) { output += line }
        guard pclose(pipe) == 0 else { throw CompilationFailed(description: output) }
    }

    private static func readLine(from file: UnsafeMutablePointer<FILE>) -> String? {
        var buffer = [CChar](repeating: 0, count: 4_096)
        return fgets(&buffer, Int32(buffer.count), file).map { String(cString: $0) }
    }
}
