package import CRMPluginAPI
internal import Synchronization

/// What one `start` is given.
package struct FakeCall: Sendable {
    private static let lastID = Atomic<UInt64>(0)

    package let id: UInt64
    package var operation: UInt32
    package var payload: [UInt8]
    package var credentialsJSON: [UInt8]
    package var settingsJSON: [UInt8]
    package var idempotencyKey = "key-1"
    package var account = "account-1"
    package var traceparent = ""
    package var attempt: UInt32 = 1
    package var flags: UInt32 = 0
    package var deadline: Int64 = 0
    package var size = UInt32(MemoryLayout<crm_request_v1>.size)

    package init(
        _ operation: UInt32, payload: [UInt8], credentials: [UInt8] = Array("{}".utf8), settings: [UInt8] = Array("{}".utf8)
    ) {
        id = Self.lastID.add(1, ordering: .relaxed).newValue
        self.operation = operation
        self.payload = payload
        credentialsJSON = credentials
        settingsJSON = settings
    }

    /// Lends the request in memory that is overwritten afterwards.
    package func lend(_ use: (UnsafePointer<crm_request_v1>) -> Void) {
        let texts = [idempotencyKey, account, traceparent].map { Array($0.utf8) }
        LentMemory.lend(texts + [credentialsJSON, settingsJSON, payload]) { memory in
            var request = crm_request_v1(
                struct_size: size, op: operation, op_id: id, deadline_ns: deadline, attempt: attempt, flags: flags,
                idempotency_key: memory.text(texts[0]), account: memory.text(texts[1]), credentials_json: memory.bytes(credentialsJSON),
                settings_json: memory.bytes(settingsJSON), payload_json: memory.bytes(payload), traceparent: memory.text(texts[2]))
            use(&request)
        }
    }
}
