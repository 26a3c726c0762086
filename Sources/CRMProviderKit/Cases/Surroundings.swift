import Glibc

/// What a library may leave behind in its process.
struct Surroundings {
    let threads: Set<String>
    let descriptors: [String: String]
    let environment: Set<String>
    let directory: String
    /// Signals that are caught or ignored.
    let signals: [String]
    let libraries: Set<String>
    let children: Set<String>

    init() {
        threads = Set(Self.names("/proc/self/task"))
        var descriptors: [String: String] = [:]
        for name in Self.names("/proc/self/fd") {
            // The one by which the directory was read is gone by now.
            if let target = Self.link("/proc/self/fd/\(name)") { descriptors[name] = target }
        }
        self.descriptors = descriptors
        var environment: Set<String> = []
        var place = environ
        while let text = place.pointee {
            environment.insert(String(cString: text))
            place += 1
        }
        self.environment = environment
        directory = SmallFile.workingDirectory
        signals = Self.lines("/proc/self/status").filter { $0.hasPrefix("SigCgt") || $0.hasPrefix("SigIgn") }.map(Self.withoutLibraryC)
        libraries = Set(
            Self.lines("/proc/self/maps").compactMap { $0.split(separator: " ").last.map(String.init) }.filter { $0.hasPrefix("/") })
        children = Set(
            threads.flatMap { Self.lines("/proc/self/task/\($0)/children").flatMap { $0.split(separator: " ").map(String.init) } })
    }

    /// What is new, in words; `nil`: nothing. The libraries that came are not looked at.
    func change(to now: Surroundings) -> String? {
        let threads = now.threads.subtracting(threads)
        if !threads.isEmpty { return "\(threads.count) threads more than before; work belongs on the host's executor" }
        let descriptors = now.descriptors.filter { self.descriptors[$0.key] != $0.value }
        if let one = descriptors.values.min() {
            return "\(descriptors.count) file descriptors more than before (\(one)); I/O goes through the host"
        }
        if environment != now.environment { return "the environment has changed" }
        if directory != now.directory { return "the working directory has changed" }
        if signals != now.signals { return "signal handlers have changed" }
        let children = now.children.subtracting(children)
        return children.isEmpty ? nil : "\(children.count) child processes were started"
    }

    /// The C library catches two signals for itself, the first of them when the first thread begins.
    private static func withoutLibraryC(_ line: String) -> String {
        let parts = line.split(whereSeparator: \.isWhitespace)
        guard parts.count == 2, let mask = UInt64(parts[1], radix: 16) else { return line }
        return "\(parts[0]) \(mask & ~(1 << 31 | 1 << 32))"
    }

    private static func names(_ directory: String) -> [String] {
        guard let handle = opendir(directory) else { return [] }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = readdir(handle) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names
    }

    private static func link(_ path: String) -> String? {
        var target = [UInt8](repeating: 0, count: 4_096)
        let count = target.withUnsafeMutableBytes { buffer in
            buffer.withMemoryRebound(to: CChar.self) { text in text.baseAddress.map { readlink(path, $0, text.count) } ?? -1 }
        }
        return count < 0 ? nil : String(decoding: target[..<count], as: UTF8.self)
    }

    static func lines(_ path: String) -> [String] {
        SmallFile.read(path).map { String(decoding: $0, as: UTF8.self).split(separator: "\n").map(String.init) } ?? []
    }
}
