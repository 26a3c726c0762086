import Synchronization

/// Finds the instance that a number stands for.
///
/// Providers hold numbers, dressed as pointers, and never the address of one of our objects: what comes late, twice or after `close` finds
/// nothing, and is counted.
enum InstanceDirectory {
    private struct State {
        var last: UInt64 = 0
        var instances: [UInt64: InstanceHost] = [:]
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

    static func remove(_ number: UInt64) { state.withLock { $0.instances[number] = nil } }

    static func instance(_ context: UnsafeMutableRawPointer?) -> InstanceHost? {
        let number = UInt64(UInt(bitPattern: context))
        return state.withLock { $0.instances[number] }
    }

    static func operationID(instance: UInt64, sequence: UInt64) -> UInt64 { instance << sequenceBits | sequence }

    static func instance(ofOperation id: UInt64) -> InstanceHost? { state.withLock { $0.instances[id >> sequenceBits] } }

    /// A completion that belongs to no operation in flight.
    static func countStray() { strays.add(1, ordering: .relaxed) }

    static var strayCompletions: Int { strays.load(ordering: .relaxed) }
}

/// A number where C wants a pointer.
func disguised(_ number: UInt64) -> UnsafeMutableRawPointer? { UnsafeMutableRawPointer(bitPattern: UInt(number)) }
