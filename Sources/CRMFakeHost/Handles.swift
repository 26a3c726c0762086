internal import Synchronization

/// Objects by numbers that are never used twice. A library gets such a number where the ABI has a pointer of the host's: one that uses
/// it too often, or after its object has gone, is noticed and harms nothing.
final class Handles<Object: AnyObject & Sendable>: Sendable {
    private struct Entry: Sendable {
        weak var object: Object?
    }

    private struct State {
        var last: UInt = 0
        var entries: [UInt: Entry] = [:]
    }

    private let state = Mutex(State())
    private let strays = Atomic(0)

    /// How often a number was used whose object had gone.
    var strayCount: Int { strays.load(ordering: .relaxed) }

    /// A number for an object that is about to be made.
    func reserve() -> Handle {
        state.withLock { state in
            state.last += 1
            return Handle(number: state.last)
        }
    }

    func insert(_ object: Object, as handle: Handle) {
        state.withLock { $0.entries[handle.number] = Entry(object: object) }
    }

    /// Objects call this when they go.
    func remove(_ handle: Handle) { state.withLock { $0.entries[handle.number] = nil } }

    func object(_ pointer: UnsafeMutableRawPointer?) -> Object? {
        let object = state.withLock { $0.entries[UInt(bitPattern: pointer)]?.object }
        if object == nil { strays.add(1, ordering: .relaxed) }
        return object
    }
}

/// A number in the place of a pointer.
struct Handle: Sendable {
    let number: UInt
    var pointer: UnsafeMutableRawPointer? { UnsafeMutableRawPointer(bitPattern: number) }
}
