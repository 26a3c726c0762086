internal import CRMPluginAPI

/// One `start` of the host, copied out of the memory that it lends.
final class OperationCall: Sendable {
    let id: UInt64
    let code: UInt32
    let deadline: Int64
    let attempt: Int
    let isDryRun: Bool
    let looksBeforeWrite: Bool
    let idempotencyKey: String
    let account: String
    let traceparent: String
    private let credentials: [UInt8]
    private let settings: [UInt8]
    private let payload: [UInt8]

    init(_ request: crm_request_v1) {
        id = request.op_id
        code = request.op
        deadline = request.deadline_ns
        attempt = Int(request.attempt)
        isDryRun = request.flags & CRM_REQUEST_DRY_RUN != 0
        looksBeforeWrite = request.flags & CRM_REQUEST_LOOK_BEFORE_WRITE != 0
        idempotencyKey = request.idempotency_key.copy
        account = request.account.copy
        traceparent = request.traceparent.copy
        credentials = request.credentials_json.copy
        settings = request.settings_json.copy
        payload = request.payload_json.copy
    }

    func outcome(_ provider: any CRMProvider, _ capabilities: Capabilities, _ services: HostServices) async -> Outcome {
        let notes = OperationNotes()
        var outcome: Outcome
        do {
            let operation = try permitted(capabilities)
            let payload = try JSONObject(abiJSON: payload, named: "payload")
            let context = OperationContext(
                self, credentials: try JSONObject(abiJSON: credentials, named: "credentials"),
                settings: try JSONObject(abiJSON: settings, named: "settings"), payload: payload, notes: notes, services)
            outcome = Outcome(result: try await provider.run(operation, PayloadReader(payload), context))
        } catch {
            outcome = Outcome(failure: error)
        }
        notes.write(into: &outcome.payload)
        return outcome
    }

    private func permitted(_ capabilities: Capabilities) throws(CRMError) -> ProviderOperation {
        guard let operation = ProviderOperation(rawValue: code) else {
            throw CRMError(.unsupported, code: "unsupported", message: "this provider knows no operation \(code)")
        }
        guard capabilities.contains(operation.capability) else { throw .unsupported(operation) }
        if isDryRun, operation.writes, !capabilities.contains(.dryRun) {
            throw CRMError(.unsupported, code: "dry_run_unsupported", message: "this provider cannot try a write without doing it")
        }
        return operation
    }
}

extension CRMProvider {
    fileprivate func run(_ operation: ProviderOperation, _ payload: PayloadReader, _ context: OperationContext) async throws -> JSONObject {
        switch operation {
        case .validateCredentials: try await validateCredentials(context).json
        case .createOrUpdateContact:
            try await createOrUpdateContact(
                try Contact(try payload.required("contact", try payload.reader("contact"))), context
            ).json
        case .sendEvent: try await sendEvent(try Event(try payload.required("event", try payload.reader("event"))), context).json
        case .getContact: try await getContact(try ContactQuery(payload), context).json
        case .batch: try await batch(try BatchItem.list(payload), context).json
        }
    }
}
