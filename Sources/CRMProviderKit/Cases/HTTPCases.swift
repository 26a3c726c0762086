import CRMCore
import CRMFakeHost
import CRMPluginAPI
import Synchronization

extension ConformanceCase {
    /// What a provider makes of the CRM's answers, operation by operation.
    static func http(_ file: ConformanceFile) -> [ConformanceCase] {
        ProviderOperation.allCases.flatMap { operation in
            errors(file, operation)
                + faults.map { fault in
                    ConformanceCase(.http, "\(fault.name)-\(operation.name)", "\(operation.name): \(fault.title)") { ground in
                        try expect(fault, ground, try ground.sample(of: operation))
                    }
                } + [
                    ConformanceCase(.http, "no-retry-\(operation.name)", "\(operation.name) repeats no request by itself") { ground in
                        try expectNoRetry(ground, try ground.sample(of: operation))
                    }
                ]
        }
    }

    private static func errors(_ file: ConformanceFile, _ operation: ProviderOperation) -> [ConformanceCase] {
        let keys = file.errorKeys.map { ($0, false) } + (file.session.isEmpty ? [] : [(ConformanceFile.login, true)])
        return keys.flatMap { key, isLogin in
            file.rows(key, of: operation).enumerated().map { index, row in
                let label = row.name.map { "-\(slug($0))" } ?? (index == 0 ? "" : "-\(index + 1)")
                return ConformanceCase(
                    .http, "\(slug(key))\(label)-\(operation.name)", "\(operation.name): \(key) is \(row.expected.status.name)"
                ) { ground in
                    let rig = try ground.rig { stage, request, _ in
                        guard stage.isSession == isLogin, row.place?.matches(url: request.url) != false else { return nil }
                        return row.response.reply
                    }
                    try row.expected.check(
                        try rig.perform(try ground.sample(of: operation)), operation, rig,
                        hint: "; if this CRM means something else by it, say so at \"errors\" in conformance.json")
                }
            }
        }
    }

    // MARK: Faults that every provider meets

    private struct Fault: Sendable {
        let name: String
        let title: String
        /// Instead of the first usual answer outside of the session.
        let reply: @Sendable (_ usual: FakeHTTP.Reply) -> FakeHTTP.Reply
        let status: Set<ProviderStatus>
        var isRetryable: Bool?
        /// A write that gets this may have happened.
        var leavesDoubt = false
        var breaksBody = false
    }

    private static let faults: [Fault] = [
        Fault(
            name: "invalid-json", title: "a success that is not JSON is upstream",
            reply: { $0.withBody { _ in Array("<html>Welcome</html>".utf8) } }, status: [.upstream], isRetryable: true, breaksBody: true),
        Fault(
            name: "truncated-json", title: "a success that breaks off is upstream",
            reply: { $0.withBody { Array($0.prefix($0.count / 2)) } }, status: [.upstream], isRetryable: true, breaksBody: true),
        Fault(
            name: "timeout", title: "no answer in time", reply: { _ in .failure(CRM_HTTP_ERROR_TIMEOUT) },
            status: [.deadlineExceeded], leavesDoubt: true),
        Fault(
            name: "connect", title: "the CRM cannot be reached", reply: { _ in .failure(CRM_HTTP_ERROR_CONNECT) },
            status: [.unavailable], isRetryable: true),
        Fault(
            name: "dns", title: "the CRM's name is not found", reply: { _ in .failure(CRM_HTTP_ERROR_DNS) }, status: [.unavailable],
            isRetryable: true),
        Fault(
            name: "reset", title: "the connection breaks", reply: { _ in .failure(CRM_HTTP_ERROR_RESET) },
            status: [.upstream, .unavailable], isRetryable: true, leavesDoubt: true),
        Fault(
            name: "too-large", title: "the answer is too large", reply: { _ in .failure(CRM_HTTP_ERROR_TOO_LARGE) }, status: [.upstream],
            leavesDoubt: true),
        Fault(
            name: "redirect", title: "a redirect is no success",
            reply: { _ in .response(302, [("location", "https://elsewhere.example/")], []) },
            status: Set(ProviderStatus.allCases).subtracting([.ok, .cancelled, .internal])),
        Fault(
            name: "blocked", title: "the host refuses the target", reply: { _ in .failure(CRM_HTTP_ERROR_BLOCKED) },
            status: [.blockedByPolicy], isRetryable: false),
    ]

    private static func expect(_ fault: Fault, _ ground: CaseGround, _ sample: Sample) throws {
        if fault.breaksBody {
            let hasBody = sample.exchanges.contains {
                if case .response(_, _, let body) = $0.response.reply { !body.isEmpty } else { false }
            }
            guard !sample.ignoresBody, hasBody, sample.status == .ok else {
                throw NotApplicable("\(sample.title) reads no body of a success")
            }
        }
        let hit = Mutex<Playbook.Stage?>(nil)
        let rig = try ground.rig { stage, _, usual in
            if stage.isSession { return nil }
            // Every later request has the same answer: a provider that asks again learns no more.
            hit.withLock { if $0 == nil { $0 = stage } }
            return fault.reply(usual)
        }
        let result = try rig.perform(sample)
        guard let stage = hit.withLock({ $0 }) else { throw NotApplicable("\(sample.title) makes no request") }
        var expected = ExpectedOutcome(fault.status.count == 1 ? fault.status.first ?? .upstream : .upstream, retryable: fault.isRetryable)
        if fault.leavesDoubt, sample.operation.writes { expected.isAmbiguous = !stage.isRead ? true : nil }
        guard fault.status.count > 1 else { return try expected.check(result, sample.operation, rig) }
        guard let status = ProviderStatus(rawValue: result.status), fault.status.contains(status) || result.hasOnlyItems(of: fault.status)
        else {
            throw CaseFailure("\(sample.title) ends with \(result.statusName) (\(result.code)): \(fault.title)")
        }
        if let ambiguous = expected.isAmbiguous, sample.operation != .batch, result.isAmbiguous != ambiguous {
            throw CaseFailure("\(sample.title): a write that may have happened is not flagged ambiguous")
        }
    }

    private static func expectNoRetry(_ ground: CaseGround, _ sample: Sample) throws {
        let answers: [(String, FakeHTTP.Reply)] = [
            ("429", .response(429, [("retry-after", "1")], [])), ("500", .status(500)), ("503", .status(503)),
            ("a timeout", .failure(CRM_HTTP_ERROR_TIMEOUT)), ("a lost connection", .failure(CRM_HTTP_ERROR_RESET)),
        ]
        for (name, answer) in answers {
            let rig = try ground.rig { stage, _, _ in stage.isSession ? nil : answer }
            _ = try rig.perform(sample)
            var seen: Set<[String]> = []
            for entry in rig.playbook.entries where !entry.stage.isSession {
                guard seen.insert([entry.request.method, entry.request.url, entry.request.bodyText]).inserted else {
                    throw CaseFailure(
                        "\(sample.title) sends \(entry.request.method) \(entry.request.url) again after \(name); the host retries")
                }
            }
        }
    }
}

extension ExpectedOutcome {
    /// `hint`: what an author does when the provider is right.
    fileprivate func check(_ result: OperationResult, _ operation: ProviderOperation, _ rig: Rig, hint: String = "") throws {
        if operation == .batch, result.status == 0, let items = result.json["items"]?.arrayValue, !items.isEmpty {
            for (index, item) in items.enumerated() {
                if let fault = fault(Ending(item: item)) { throw CaseFailure("item \(index) of the batch \(fault)\(hint)") }
            }
            return
        }
        guard let fault = fault(Ending(result)) else { return }
        throw CaseFailure("\(operation.name) \(fault)\(result.status == status.rawValue ? "" : rig.unknownRequests)\(hint)")
    }

    private func fault(_ ending: Ending) -> String? {
        guard ending.status == Int(status.rawValue) else { return "ends with \(ending.words) instead of \(status.name)" }
        if let isRetryable, (ending.flags & Int(CRM_RESULT_RETRYABLE) != 0) != isRetryable {
            return "ends with \(ending.words), which is \(isRetryable ? "not " : "")flagged retryable"
        }
        if let isAmbiguous, (ending.flags & Int(CRM_RESULT_AMBIGUOUS) != 0) != isAmbiguous {
            return "ends with \(ending.words), which is \(isAmbiguous ? "not " : "")flagged ambiguous"
        }
        if let wait = retryAfterMilliseconds, ending.wait != wait { return "has retry_after_ms \(ending.wait) instead of \(wait)" }
        if let code, ending.code != code { return "has the code \(ending.code) instead of \(code)" }
        return nil
    }
}

/// How an operation ended, or an item of a batch.
private struct Ending {
    let status: Int
    let flags: Int
    let wait: Int
    let code: String
    let message: String

    init(_ result: OperationResult) {
        (status, flags, wait) = (Int(result.status), Int(result.flags), Int(result.retryAfterMilliseconds))
        (code, message) = (result.code, result.message)
    }

    init(item: JSONValue) {
        status = item["status"]?.intValue ?? -1
        flags = item["flags"]?.intValue ?? 0
        wait = item["retry_after_ms"]?.intValue ?? 0
        code = item["code"]?.stringValue ?? ""
        message = item["message"]?.stringValue ?? ""
    }

    var words: String {
        let name = ProviderStatus(rawValue: Int32(truncatingIfNeeded: status))?.name ?? "status \(status)"
        return code.isEmpty && message.isEmpty ? name : "\(name) (\(code): \(message))"
    }
}

extension FakeHTTP.Reply {
    fileprivate func withBody(_ change: ([UInt8]) -> [UInt8]) -> FakeHTTP.Reply {
        guard case .response(let status, let headers, let body) = self else { return self }
        return .response(status, headers, change(body))
    }
}
