/// One thing that a provider has to do right, looked at in a process of its own.
package struct ConformanceCase: Sendable {
    package enum Group: String, Sendable, CaseIterable {
        case library, lifecycle, operations, completion, cancel, http, secrets, isolation, fuzz, endurance
    }

    package let group: Group
    let name: String
    /// What is right, as a sentence.
    package let title: String
    /// After so many seconds it hangs.
    let timeout: Double
    let body: @Sendable (CaseGround) async throws -> Void

    package var id: String { "\(group.rawValue)/\(name)" }

    init(
        _ group: Group, _ name: String, _ title: String, timeout: Double = 10, _ body: @escaping @Sendable (CaseGround) async throws -> Void
    ) {
        self.group = group
        self.name = name
        self.title = title
        self.timeout = timeout
        self.body = body
    }

    /// Every case that a file gives rise to, in the order of the table. Which of them say nothing about a library turns out in the case.
    package static func all(_ file: ConformanceFile) -> [ConformanceCase] {
        library + lifecycle + operations(file) + completion + cancel + http(file) + secrets + isolation + fuzz + endurance
    }
}

/// What became of one case.
package struct CaseVerdict: Sendable {
    package enum Outcome: String, Sendable {
        case passed
        case failed
        case notApplicable = "not_applicable"
    }

    package var outcome: Outcome
    /// Why; empty when it passed.
    package var detail: String
    package var seconds: Double
    /// Of the descriptor that the process saw.
    var digest: String?

    init(_ outcome: Outcome, _ detail: String = "", seconds: Double = 0, digest: String? = nil) {
        self.outcome = outcome
        self.detail = detail
        self.seconds = seconds
        self.digest = digest
    }
}

extension ConformanceCase {
    /// Runs the case in this process.
    func verdict(_ ground: CaseGround) async -> CaseVerdict {
        let start = now()
        func verdict(_ outcome: CaseVerdict.Outcome, _ detail: String = "") -> CaseVerdict {
            CaseVerdict(outcome, detail, seconds: now() - start, digest: (try? ground.descriptor())?.digest)
        }
        do {
            try await body(ground)
            return verdict(.passed)
        } catch let reason as NotApplicable {
            return verdict(.notApplicable, reason.description)
        } catch let failure as CaseFailure {
            return verdict(.failed, failure.description)
        } catch {
            return verdict(.failed, "\(error)")
        }
    }
}
