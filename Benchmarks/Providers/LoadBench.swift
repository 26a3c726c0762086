import Foundation

/// Loading, asking and creating all libraries: in a new process each time, because a process loads a library once only.
struct LoadBench {
    static let flag = "--load-only"

    enum Failure: Error {
        case childFailed(Int32)
    }

    let paths: [String]

    /// Nanoseconds for all of them.
    func measure(runs: Int) throws -> Measurement {
        try Measurement(runs: runs) {
            let child = Process()
            child.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
            child.arguments = [Self.flag] + paths
            let output = Pipe()
            child.standardOutput = output
            try child.run()
            let data = output.fileHandleForReading.readDataToEndOfFile()
            child.waitUntilExit()
            let text = String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
            guard child.terminationStatus == 0, let time = Double(text) else { throw Failure.childFailed(child.terminationStatus) }
            return time
        }
    }

    /// What the child does.
    static func load(_ paths: [String]) throws -> Double {
        let start = Clock.elapsed
        for path in paths {
            let library = try LoadedLibrary(path)
            let scenario = Scenario.known[library.type]
            _ = try library.create(LoopHost([]).table, config: scenario?.config ?? "{}")
        }
        return Clock.elapsed - start
    }
}
