import CRMCore
import CRMPluginAPI
import Synchronization

extension ProviderModule {
    /// Makes an instance over a host's table. On the loader thread, or in a probe.
    func create(host: UnsafePointer<crm_host_v1>, config: JSONObject) throws(LibraryError) -> UnsafePointer<crm_provider_v1> {
        let report = CreationReports.open()
        defer { CreationReports.close(report) }
        var loan = Loan()
        let json = loan.add(JSONValue.object(config).serialized())
        let instance = loan.withPointers { pointers in
            table.pointee.create(host, pointers.bytes(json), disguised(report)) { context, result in
                CreationReports.add(context, ProviderOutcome.read(result).outcome)
            }
        }
        guard let instance else {
            guard let outcome = CreationReports.outcome(report) else {
                throw LibraryError(
                    .createReports, "create failed without a reason", fix: "call on_error exactly once before create returns NULL")
            }
            throw LibraryError(.create, "create failed: \(outcome.message.isEmpty ? outcome.status.name : outcome.message)")
        }

        let raw = UnsafeRawPointer(instance)
        let size = raw.loadUnaligned(as: UInt32.self)
        let expected = MemoryLayout<crm_provider_v1>.size
        guard Int(size) == expected else {
            throw LibraryError(.instanceTable, "its crm_provider_v1 has \(size) bytes instead of \(expected): built with another header")
        }
        for offset in stride(from: 16, to: expected, by: 8) where raw.loadUnaligned(fromByteOffset: offset, as: UInt.self) == 0 {
            throw LibraryError(.instanceTable, "its instance has a NULL function")
        }
        return instance
    }
}

/// What `on_error` said, by a number: a call that comes after `create` has returned finds nothing.
private enum CreationReports {
    private static let state = Mutex((last: UInt64(0), open: [UInt64: ProviderOutcome?]()))

    static func open() -> UInt64 {
        state.withLock { state in
            state.last += 1
            state.open[state.last] = .some(nil)
            return state.last
        }
    }

    static func add(_ context: UnsafeMutableRawPointer?, _ outcome: ProviderOutcome) {
        state.withLock { state in
            let number = UInt64(UInt(bitPattern: context))
            if state.open[number] != nil { state.open[number] = .some(outcome) }
        }
    }

    static func outcome(_ number: UInt64) -> ProviderOutcome? { state.withLock { $0.open[number] ?? nil } }

    static func close(_ number: UInt64) { _ = state.withLock { $0.open.removeValue(forKey: number) } }
}
