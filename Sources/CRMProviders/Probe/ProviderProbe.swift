import CRMCore
import Glibc

/// Tries a library where it can do no harm: in a child process with an empty environment and little time. No promise against malice;
/// it is there for crashes, endless loops and broken rules.
package enum ProviderProbe {
    private static let timeLimit = Duration.seconds(5)

    /// Blocks for as long as the child takes. Throws when the probe itself could not be made; what the library did is in the report.
    package static func probe(path: String, command: ProbeCommand = ProbeCommand()) throws(LibraryError) -> ProbeReport {
        let child = try ChildProcess(command.executable, command.arguments + [path], timeout: timeLimit)
        let transcript = ProbeTranscript(child.output)
        guard let step = transcript.lastStep else {
            throw LibraryError(
                .probeAvailable, "\(command.executable) did not probe the library (\(words(child.ending)))\(firstLine(child.errors))",
                fix: "see that it is this version of crm-host")
        }
        var report = transcript.report
        if !transcript.isComplete {
            guard isOfLibrary(child.ending) else {
                throw LibraryError(
                    .probeAvailable, "the probe was ended from outside (\(words(child.ending)))", fix: "let the files be read again")
            }
            report.findings.append(fault(child, in: step))
        }
        if report.findings.contains(where: isForWantOfMemory) {
            throw LibraryError(.probeAvailable, "there was no memory to load the library", fix: "let the files be read again")
        }
        return report
    }

    /// What others send, a stopping service or a machine without memory, says nothing about the library.
    private static func isOfLibrary(_ ending: ChildProcess.Ending) -> Bool {
        guard case .signalled(let signal) = ending else { return true }
        return [SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE, SIGTRAP, SIGXCPU, SIGALRM].contains(signal)
    }

    /// The dynamic linker's own words; the child has no locale.
    private static func isForWantOfMemory(_ finding: LibraryFinding) -> Bool {
        finding.rule == .probeLoads && finding.error?.description.contains("Cannot allocate memory") == true
    }

    private static func fault(_ child: ChildProcess, in step: LibraryRule) -> LibraryFinding {
        let place = step == .probeLoads ? "while it was loaded, in a constructor" : "at the step \(step.rawValue)"
        switch child.ending {
        case .tooLate, .signalled(SIGALRM), .signalled(SIGXCPU):
            return LibraryFinding(
                .probeInTime, .fail, "did not come to an end within \(timeLimit.components.seconds) s \(place)",
                fix: "neither constructors nor the factory, descriptor, create or close may wait or loop")
        case .signalled(let signal):
            return LibraryFinding(
                .probeSurvives, .fail,
                "crashed \(place) (signal \(signal), \(String(cString: strsignal(signal))))\(firstLine(child.errors))",
                fix: "run crm-host providers check on it under a debugger")
        case .exited(let code):
            return LibraryFinding(
                .probeSurvives, .fail, "ended its process \(place) (exit \(code))\(firstLine(child.errors))",
                fix: "a provider never calls exit")
        }
    }

    private static func words(_ ending: ChildProcess.Ending) -> String {
        switch ending {
        case .exited(let code): "exit \(code)"
        case .signalled(let signal): "signal \(signal)"
        case .tooLate: "no end in time"
        }
    }

    /// What it said before anybody spoke about it: there is no secret in its process.
    private static func firstLine(_ bytes: [UInt8]) -> String {
        let lines = String(decoding: bytes.prefix(4_096), as: UTF8.self).split(whereSeparator: \.isNewline)
        guard let line = lines.first else { return "" }
        return ": " + String(line.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7F }.prefix(200).map(Character.init))
    }
}

/// What the child wrote: a line of JSON for each step that it begins, each finding, the descriptor, and the end.
private struct ProbeTranscript {
    var report = ProbeReport(findings: [], descriptor: nil)
    var lastStep: LibraryRule?
    var isComplete = false

    init(_ output: [UInt8]) {
        for line in output.split(separator: UInt8(ascii: "\n")) {
            guard let json = try? JSONValue(parsing: Array(line)) else { continue }
            if let step = json["step"]?.stringValue { lastStep = LibraryRule(rawValue: step) }
            if let finding = json["finding"].flatMap(LibraryFinding.init(json:)) { report.findings.append(finding) }
            if let descriptor = json["descriptor"] { report.descriptor = ProbedDescriptor(json: descriptor) }
            if json["done"] == true { isComplete = true }
        }
    }
}
