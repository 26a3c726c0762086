internal import Synchronization

/// Lines that the provider logged.
package final class FakeLog: Sendable {
    package struct Line: Sendable {
        package let level: Int32
        package let operation: UInt64
        package let message: String
        package let fields: String
    }

    private let state = Mutex<[Line]>([])

    package var lines: [Line] { state.withLock { $0 } }

    func write(_ line: Line) { state.withLock { $0.append(line) } }
}
