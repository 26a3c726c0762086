import Glibc

/// Waits for a file to become another one, and to stay so for a moment: a linker writes in several steps.
package struct FileWatch: Sendable {
    private let path: String
    private var seen: State?

    private struct State: Equatable {
        let device: UInt
        let inode: UInt
        let size: Int
        let seconds: Int
        let nanoseconds: Int
    }

    package init(_ path: String) {
        self.path = path
        seen = Self.state(path)
    }

    /// Blocks until then, or until `isOver`.
    package mutating func waitForChange(isOver: () -> Bool = { false }) {
        var candidate: State?
        while !isOver() {
            usleep(150_000)
            let current = Self.state(path)
            if let current, current != seen, current == candidate {
                seen = current
                return
            }
            candidate = current
        }
    }

    private static func state(_ path: String) -> State? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return State(
            device: UInt(status.st_dev), inode: UInt(status.st_ino), size: Int(status.st_size), seconds: status.st_mtim.tv_sec,
            nanoseconds: status.st_mtim.tv_nsec)
    }
}
