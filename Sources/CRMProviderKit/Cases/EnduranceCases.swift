import CLinux
import CRMCore
import CRMFakeHost
import Glibc

extension ConformanceCase {
    static let endurance: [ConformanceCase] = [
        ConformanceCase(
            .endurance, "operations", "10 000 operations leave memory, threads and files as they were", timeout: 120
        ) { ground in
            let samples = try ground.samples()
            // The first rounds fill caches and pools.
            for _ in 0..<Rounds.ofPreparation { try round(ground, samples) }
            let before = Surroundings()
            let (heap, resident) = (Memory.used, Memory.resident)
            for _ in 0..<Rounds.measured { try round(ground, samples) }
            if let change = before.change(to: Surroundings()) { throw CaseFailure("after \(Rounds.count) operations: \(change)") }
            let operations = Rounds.measured * Rounds.length
            if let heap, let used = Memory.used, used - heap > operations * Rounds.toleratedBytes {
                throw CaseFailure("\((used - heap) / operations) bytes of memory stay behind for each operation")
            }
            let growth = Memory.resident - resident
            guard growth < 16 << 20 else { throw CaseFailure("the process grew by \(growth >> 20) MiB in \(operations) operations") }
        }
    ]

    private enum Rounds {
        static let ofPreparation = 4
        static let measured = 16
        static let length = 500
        static let count = (ofPreparation + measured) * length
        /// What an allocator's own bookkeeping may vary by.
        static let toleratedBytes = 24
    }

    /// With an instance of its own, so that nothing that the kit remembers grows from round to round.
    private static func round(_ ground: CaseGround, _ samples: [Sample]) throws {
        let rig = try ground.rig { stage, request, _ in !stage.isSession && request.id % 10 == 0 ? .status(503) : nil }
        for index in 0..<Rounds.length { _ = try rig.perform(samples[index % samples.count]) }
        guard rig.close() != nil else { throw CaseFailure("close did not end within 10 s") }
    }
}

/// What this process has of memory.
private enum Memory {
    /// Bytes in use on the heap, by the C library's own account: exact where resident memory is not.
    static var used: Int? {
        var (text, count): (UnsafeMutablePointer<CChar>?, Int) = (nil, 0)
        guard let file = open_memstream(&text, &count) else { return nil }
        let code = malloc_info(0, file)
        fclose(file)
        defer { free(text) }
        guard code == 0, let text else { return nil }
        // The sums over all arenas come last.
        let sums = String(cString: text).split(separator: "\n").suffix(9)
        func size(_ start: String) -> Int? {
            guard let line = sums.last(where: { $0.hasPrefix(start) }), let place = line.firstRange(of: "size=\"") else { return nil }
            return Int(line[place.upperBound...].prefix { $0 != "\"" })
        }
        guard let system = size("<system type=\"current\""), let fast = size("<total type=\"fast\""),
            let rest = size("<total type=\"rest\"")
        else {
            return nil
        }
        return system - fast - rest + (size("<total type=\"mmap\"") ?? 0)
    }

    static var resident: Int {
        let pages = Surroundings.lines("/proc/self/statm").first?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        return pages * sysconf(Int32(_SC_PAGESIZE))
    }
}
