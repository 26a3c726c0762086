import Synchronization

/// Finds the instance that a number stands for.
///
/// Providers hold numbers, dressed as pointers, and never the address of one of our objects: what comes late, twice or after `close` finds
/// nothing, and is counted.
enum InstanceDirectory {
    private struct State {
        var last: UInt64 = 0
        var instances: [UInt64: InstanceHost] = [:]
        /// Of instances that were closed, to name who calls all the same.
        var closed: [UInt64: ProviderConduct] = [:]
    }

    private static let state = Mutex(State())
    private static let strays = Atomic<Int>(0)

    /// An operation's id carries its instance's number above these bits.
    private static let sequenceBits: UInt64 = 40

    static func makeNumber() -> UInt64 {
        state.withLock { state in
            state.last += 1
            return state.last
        }
    }

    static func add(_ instance: InstanceHost) { state.withLock { $0.instances[instance.number] = instance } }

    static func remove(_ number: UInt64) {
        state.withLock { state in
            if let instance = state.instances.removeValue(forKey: number) { state.closed[number] = instance.conduct }
        }
    }

    /// For whoever calls the host with the context that it was given.
    static func instance(_ context: UnsafeMutableRawPointer?) -> InstanceHost? {
        let number = UInt64(UInt(bitPattern: context))
        let (instance, closed) = state.withLock { ($0.instances[number], $0.closed[number]) }
        if instance == nil { closed?.count(.calledAfterClose) }
        return instance
    }

    static func operationID(instance: UInt64, sequence: UInt64) -> UInt64 { instance << sequenceBits | sequence }

    static func instance(_ number: UInt64, owns operation: UInt64) -> Bool { operation >> sequenceBits == number }

    /// For the completion of an operation.
    static func instance(ofOperation id: UInt64) -> InstanceHost? {
        let (instance, closed) = state.withLock { ($0.instances[id >> sequenceBits], $0.closed[id >> sequenceBits]) }
        if instance == nil {
            countStray()
            closed?.count(.completedAfterClose, ["op_id": "\(id)"])
        }
        return instance
    }

    /// A completion that belongs to no operation in flight.
    static func countStray() { strays.add(1, ordering: .relaxed) }

    static var strayCompletions: Int { strays.load(ordering: .relaxed) }
}

/// A number where C wants a pointer.
func disguised(_ number: UInt64) -> UnsafeMutableRawPointer? { UnsafeMutableRawPointer(bitPattern: UInt(number)) }
