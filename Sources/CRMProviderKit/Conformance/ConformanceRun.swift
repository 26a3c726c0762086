import CRMCore
import Glibc

/// One run of the kit over a library: every case in a process of its own, as many at once as there are processors.
package struct ConformanceRun: Sendable {
    package var library: String
    /// The file as it is found by `ConformanceFile.find`.
    package var file: ConformanceFile
    package var filePath: String
    /// Ids of the cases that were chosen; `nil`: all.
    private var chosen: Set<String>?
    package var seed: UInt64
    /// All cases in this process: the way into a debugger. A crash ends everything.
    package var isInProcess = false
    /// What the time limits of cases are multiplied with.
    package var patience = 1.0
    /// What runs a case: the program, and the words before `LIB --case ID --cases FILE --seed N`.
    package var executable = "/proc/self/exe"
    package var arguments = ["providers", "conformance"]

    package init(library: String, filePath: String, file: ConformanceFile, seed: UInt64) {
        (self.library, self.filePath, self.file, self.seed) = (library, filePath, file, seed)
    }

    /// From now on only cases with an id in which the regular expression is found.
    package mutating func include(_ expression: String) throws(ConformanceFileError) {
        let all = (ConformanceCase.all(file) + [ConformanceCase.everyProcess]).map(\.id)
        do {
            let regex = try Regex(expression)
            chosen = Set(try all.filter { try regex.firstMatch(in: $0) != nil })
        } catch {
            throw ConformanceFileError(pointer: "", detail: "--include \(expression) is not a regular expression")
        }
        guard chosen?.isEmpty == false else {
            throw ConformanceFileError(pointer: "", detail: "no case has an id that fits --include \(expression); try --list")
        }
    }

    /// The cases that will run.
    package var cases: [ConformanceCase] { ConformanceCase.all(file).filter { includes($0.id) } }

    private func includes(_ id: String) -> Bool { chosen?.contains(id) ?? true }

    /// Blocks this thread for as long as the kit takes; `progress` is called for each case that has ended.
    package func report(progress: (ConformanceReport.Row) -> Void) async -> ConformanceReport {
        let cases = cases
        let start = now()
        var rows: [Int: ConformanceReport.Row] = [:]
        func finish(_ index: Int, _ verdict: CaseVerdict) {
            let row = ConformanceReport.Row(cases[index], verdict)
            rows[index] = row
            progress(row)
        }
        if isInProcess {
            let ground = CaseGround(path: library, file: file, seed: seed)
            for (index, one) in cases.enumerated() { finish(index, await one.verdict(ground)) }
        } else {
            inProcesses(cases, finish)
        }
        var sorted = rows.sorted { $0.key < $1.key }.map(\.value)
        if let row = everyProcess(sorted) {
            let place = sorted.lastIndex { $0.group == .library }.map { $0 + 1 } ?? 0
            sorted.insert(row, at: place)
            progress(row)
        }
        return ConformanceReport(library: library, seed: seed, seconds: now() - start, isComplete: chosen == nil, rows: sorted)
    }

    private func inProcesses(_ cases: [ConformanceCase], _ finish: (Int, CaseVerdict) -> Void) {
        let width = min(8, max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        var waiting = Array(cases.indices.reversed())
        var running: [(index: Int, process: CaseProcess)] = []
        while !waiting.isEmpty || !running.isEmpty {
            while running.count < width, let index = waiting.popLast() {
                let words = arguments + [library, "--case", cases[index].id, "--cases", filePath, "--seed", String(seed)]
                switch CaseProcess.start(executable, words, timeout: cases[index].timeout * patience) {
                case .success(let process): running.append((index, process))
                case .failure(let refusal): finish(index, CaseVerdict(.failed, refusal.description))
                }
            }
            let ended = running.indices.compactMap { place in running[place].process.verdict().map { (place, $0) } }
            for (place, verdict) in ended.reversed() { finish(running.remove(at: place).index, verdict) }
            if ended.isEmpty { usleep(500) }
        }
    }

    /// Whether all processes saw the same descriptor; nothing to say about fewer than two.
    private func everyProcess(_ rows: [ConformanceReport.Row]) -> ConformanceReport.Row? {
        guard !isInProcess, includes(ConformanceCase.everyProcess.id) else { return nil }
        let digests = rows.compactMap(\.verdict.digest)
        guard digests.count > 1 else { return nil }
        let isSame = Set(digests).count == 1
        let detail = isSame ? "" : "\(Set(digests).count) different descriptors were seen in \(digests.count) processes"
        return ConformanceReport.Row(ConformanceCase.everyProcess, CaseVerdict(isSame ? .passed : .failed, detail))
    }

    // MARK: The child's side

    /// Runs one case here and writes its verdict where the parent reads it. Returns the process's exit code.
    package static func runCase(_ id: String, library: String, file: ConformanceFile, seed: UInt64) async -> Int32 {
        guard let one = ConformanceCase.all(file).first(where: { $0.id == id }) else { return 64 }
        CaseProcess.limitThisProcess()
        let output = fcntl(CaseProcess.reportDescriptor, F_DUPFD_CLOEXEC, 10)
        guard output >= 0 else { return 64 }
        close(CaseProcess.reportDescriptor)
        let verdict = await one.verdict(CaseGround(path: library, file: file, seed: seed))
        let bytes = verdict.json.serialized()
        let written = bytes.withUnsafeBytes { write(output, $0.baseAddress, $0.count) }
        // Not by the ordinary way out: a library's leftovers may hang there, and the verdict is in.
        _exit(written == bytes.count ? 0 : 1)
    }
}

extension CaseVerdict {
    var json: JSONValue {
        var object: JSONObject = ["outcome": .string(outcome.rawValue), "detail": .string(detail)]
        object.set("seconds", JSONNumber(seconds).map(JSONValue.number))
        object.set("digest", digest)
        return .object(object)
    }

    init?(_ bytes: [UInt8]) {
        guard let json = try? JSONValue(parsing: bytes), let outcome = json["outcome"]?.stringValue.flatMap(Outcome.init) else {
            return nil
        }
        self.init(
            outcome, json["detail"]?.stringValue ?? "", seconds: json["seconds"]?.doubleValue ?? 0, digest: json["digest"]?.stringValue)
    }
}
