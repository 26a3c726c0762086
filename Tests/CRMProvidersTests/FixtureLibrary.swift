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
        try await build(["cc"] + common + ["\(packageRoot)/\(source)", "-pthread"] + flags, path)
    }

    /// A source that is not in the package.
    static func compile(absolute source: String, to path: String, _ flags: String...) async throws {
        try await build(["cc"] + common + [source] + flags, path)
    }

    /// For another processor, of which there are no headers and no C library here: what can be judged before anything is run.
    static func compileBare(for target: String, to path: String) async throws {
        try await build(
            [
                "clang", "--target=\(target)", "-ffreestanding", "-nostdlib", "-fuse-ld=lld", "-shared", "-fPIC", "-fvisibility=hidden",
                "-I", "\(packageRoot)/Sources/CRMPluginAPI/include", "\(packageRoot)/Tests/CRMProvidersTests/Fixtures/bare.c",
            ], path)
    }

    private static let common = [
        "-shared", "-fPIC", "-fvisibility=hidden", "-std=gnu11", "-I", "\(packageRoot)/Sources/CRMPluginAPI/include",
        "-Werror=implicit-function-declaration",
    ]

    private static func build(_ words: [String], _ path: String) async throws {
        let command = (words + ["-o", path + ".new"]).map { "'\($0)'" }.joined(separator: " ") + " 2>&1"
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
