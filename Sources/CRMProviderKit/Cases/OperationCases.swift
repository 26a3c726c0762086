import CRMCore
import CRMFakeHost
import CRMPluginAPI

extension ConformanceCase {
    /// Each operation with good input, odd input and none.
    static func operations(_ file: ConformanceFile) -> [ConformanceCase] {
        let shown = file.samples.map { sample in
            ConformanceCase(.operations, sample.title, "\(sample.title) ends as the file says") { ground in
                try ground.require(sample.operation.capability, sample.operation.name)
                let rig = try ground.rig(config: sample.config)
                try check(rig.perform(sample), sample, rig)
            }
        }
        let absent = ProviderOperation.allCases.filter { file.sample(of: $0) == nil }.map { operation in
            ConformanceCase(.operations, operation.name, "\(operation.name) ends as the file says") { _ = try $0.sample(of: operation) }
        }
        let odd = ProviderOperation.allCases.flatMap { operation in
            [
                ConformanceCase(.operations, "garbage-\(operation.name)", "\(operation.name) survives any payload") { ground in
                    try surviveGarbage(ground, try ground.sample(of: operation))
                },
                ConformanceCase(.operations, "unknown-keys-\(operation.name)", "\(operation.name) ignores members that it does not know") {
                    ground in
                    let sample = try ground.sample(of: operation)
                    let rig = try ground.rig()
                    let payload = withUnknownMembers(.object(sample.payload)).serialized()
                    try check(rig.perform(sample, rig.call(sample, payload: payload)), sample, rig)
                },
            ]
        }
        return shown + absent + odd + general
    }

    private static let general: [ConformanceCase] = [
        ConformanceCase(.operations, "undeclared", "operations that are not declared are unsupported") { ground in
            let capabilities = try ground.descriptor().capabilities
            let rig = try ground.rig()
            let sample = try ground.mainSample()
            let declared = Set(ProviderOperation.allCases.filter { capabilities & $0.capability != 0 }.map(\.rawValue))
            for number in [0, 1, 2, 3, 4, 5, 4_711, UInt32(CRM_OP_VENDOR_FIRST) + 77] where !declared.contains(number) {
                var call = rig.call(sample)
                call.operation = number
                let result = try rig.perform(sample, call)
                guard result.status == ProviderStatus.unsupported.rawValue else {
                    throw CaseFailure("operation \(number), which is not declared, ends with \(result.statusName) instead of unsupported")
                }
            }
            guard rig.host.http.requests.isEmpty else { throw CaseFailure("an operation that is not declared makes requests") }
        },
        ConformanceCase(.operations, "failure-form", "a failure has a code and a message in UTF-8") { ground in
            for sample in try ground.samples() {
                for reply: FakeHTTP.Reply in [.status(503), .failure(CRM_HTTP_ERROR_CONNECT)] {
                    let rig = try ground.rig { stage, _, _ in stage.isSession ? nil : reply }
                    let result = try rig.perform(sample)
                    guard result.size == UInt32(MemoryLayout<crm_result_v1>.size) else {
                        throw CaseFailure("\(sample.title): crm_result_v1 has another size than this ABI's")
                    }
                    guard result.status != 0 else { continue }
                    guard result.isText else { throw CaseFailure("\(sample.title): code, message or payload is not UTF-8") }
                    guard !result.code.isEmpty else {
                        throw CaseFailure("\(sample.title): a failure (\(result.statusName)) without a code")
                    }
                    // Where there was no answer, a provider may have nothing to say but what the host says.
                    if case .response = reply, result.message.isEmpty {
                        throw CaseFailure("\(sample.title): a failure (\(result.statusName)) without a message")
                    }
                    guard (1...13).contains(result.status) else { throw CaseFailure("\(sample.title): unknown status \(result.status)") }
                }
            }
        },
        ConformanceCase(.operations, "dry-run", "a dry run writes nothing") { ground in
            try ground.require(UInt64(CRM_CAPABILITY_DRY_RUN), "dry_run")
            for sample in try ground.samples() where sample.operation.writes {
                let rig = try ground.rig()
                var call = rig.call(sample)
                call.flags = CRM_REQUEST_DRY_RUN
                _ = try rig.perform(sample, call)
                if let write = rig.playbook.writes.first {
                    throw CaseFailure("a dry run of \(sample.title) sends \(write.method) \(write.url)")
                }
            }
        },
        ConformanceCase(.operations, "event-key", "a repeated event is the same event to the CRM, and another one is not") { ground in
            try ground.require(UInt64(CRM_CAPABILITY_EVENTS_DEDUPLICATED), "events_deduplicated")
            let sample = try ground.sample(of: .sendEvent)
            let sent = try [(1, "a"), (2, "a"), (1, "b")].map { attempt, name in
                let rig = try ground.rig()
                var payload = sample.payload
                if var event = payload["event"]?.objectValue, event["unique_id"] != nil {
                    event["unique_id"] = .string("conformance-event-\(name)")
                    payload["event"] = .object(event)
                }
                var call = rig.call(sample, payload: JSONValue.object(payload).serialized())
                call.idempotencyKey = "conformance-event-\(name)"
                call.attempt = UInt32(attempt)
                _ = try rig.perform(sample, call)
                return rig.playbook.writes.map { [$0.method, $0.url, $0.bodyText] + $0.headers.map { "\($0.name)=\($0.value)" } }
            }
            guard sent[0] == sent[1] else { throw CaseFailure("the second attempt at an event is not the request that the first one was") }
            guard sent[0] != sent[2] else {
                throw CaseFailure("two events with different keys make the same request: neither key reaches the CRM")
            }
        },
    ]

    private static func check(_ result: OperationResult, _ sample: Sample, _ rig: Rig) throws {
        guard result.status == sample.status.rawValue else {
            throw CaseFailure(
                "\(sample.title) ends with \(result.statusName) (\(result.code): \(result.message)) instead of \(sample.status.name)"
                    + rig.unknownRequests)
        }
        guard rig.playbook.unknown.isEmpty else { throw CaseFailure("\(sample.title)\(rig.unknownRequests)") }
        guard result.isText else { throw CaseFailure("\(sample.title): the result is not UTF-8") }
        guard result.json.includes(sample.result) else {
            throw CaseFailure(
                "\(sample.title) has the result \(result.payloadText.prefix(400)) instead of \(sample.result.text.prefix(400))")
        }
        if sample.status == .ok, let fault = sample.operation.fault(in: result.json, payload: sample.payload) {
            throw CaseFailure("\(sample.title): \(fault)")
        }
    }

    private static func surviveGarbage(_ ground: CaseGround, _ sample: Sample) throws {
        let good = JSONValue.object(sample.payload).serialized()
        let unreadable: [[UInt8]] = [[], Array("{".utf8), [0xFF, 0xFE, 0x00, 0x7B], Array("nonsense".utf8)]
        let strange: [[UInt8]] = [
            Array("null".utf8), Array("[]".utf8), Array("{}".utf8), Array("{\"contact\":7,\"event\":[],\"items\":{},\"email\":[1]}".utf8),
            Array(good.dropLast()), Array(repeating: UInt8(ascii: "["), count: 200_000),
            Array("{\"contact\":{\"email\":\"\(String(repeating: "a", count: 1 << 20))\"}}".utf8),
            Array("{\"contact\":{\"email\":\"\\ud800\",\"first_name\":\"\\u0000\"}}".utf8),
            good.map { $0 == UInt8(ascii: "a") ? 0xC3 : $0 },
        ]
        let rig = try ground.rig()
        for payload in unreadable + strange {
            let result = try rig.perform(sample, rig.call(sample, payload: payload))
            guard result.isText else { throw CaseFailure("the answer to a broken payload is not UTF-8") }
            guard result.status != 0 || sample.operation == .validateCredentials || !unreadable.contains(payload) else {
                throw CaseFailure("\(sample.title) is OK with a payload that is not JSON (\(payload.count) bytes)")
            }
        }
    }

    private static func withUnknownMembers(_ value: JSONValue) -> JSONValue {
        guard var members = value.objectValue else {
            return value.arrayValue.map { .array($0.map(withUnknownMembers)) } ?? value
        }
        // Members of `properties` and `address` are the customer's, or are not objects of ours.
        for (key, child) in members where ["contact", "event", "items"].contains(key) { members[key] = withUnknownMembers(child) }
        members["x_conformance"] = ["a": [1, "two", .null], "b": true]
        return .object(members)
    }
}

extension ProviderOperation {
    /// What is missing in a result although the operation says that all went well.
    fileprivate func fault(in result: JSONValue, payload: JSONObject) -> String? {
        let hasID = result["remote_id"]?.stringValue?.isEmpty == false
        switch self {
        case .validateCredentials:
            guard let permissions = result["permissions"]?.arrayValue, !permissions.isEmpty else { return "the result has no permissions" }
            let states: Set<String> = ["proven", "missing", "unknown"]
            let isGood = permissions.allSatisfy { $0["capability"]?.stringValue != nil && states.contains($0["state"]?.stringValue ?? "") }
            return isGood ? nil : "a permission without a capability, or with a state other than proven, missing, unknown"
        case .createOrUpdateContact: return hasID ? nil : "the result has no remote_id"
        case .sendEvent: return hasID || result["accepted_only"] == true ? nil : "the result has neither remote_id nor accepted_only"
        case .getContact: return hasID && result["contact"]?.objectValue != nil ? nil : "the result has no contact or no remote_id"
        case .batch:
            let (asked, answered) = (payload["items"]?.arrayValue?.count ?? 0, result["items"]?.arrayValue?.count ?? -1)
            return asked == answered ? nil : "\(asked) items were asked for and \(max(0, answered)) answered"
        }
    }
}
