internal import CPostgres
internal import Glibc
internal import Synchronization

/// The way from any thread to the driver's: commands, and an eventfd that wakes it.
final class PoolInbox: Sendable {
    enum Command: Sendable {
        case submit(Request)
        case cancel(Request.ID)
        case opened(Result<ConnectionHandle, ConnectFailure>)
        case close(CheckedContinuation<Void, Never>?)
    }

    private struct State {
        var commands: [Command] = []
        var isShut = false
    }

    private let state = Mutex(State())
    let descriptor: Int32

    init() {
        descriptor = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))
        precondition(descriptor >= 0, "the system gives no more descriptors")
    }

    deinit { Glibc.close(descriptor) }

    /// `false`: nobody reads any more.
    @discardableResult func post(_ command: Command) -> Bool {
        let isTaken = state.withLock { state in
            if !state.isShut { state.commands.append(command) }
            return !state.isShut
        }
        if isTaken { eventfd_write(descriptor, 1) }
        return isTaken
    }

    func takeAll() -> [Command] {
        var count: eventfd_t = 0
        eventfd_read(descriptor, &count)
        return state.withLock { state in
            defer { state.commands = [] }
            return state.commands
        }
    }

    /// Refuses what comes from now on; what came before is returned.
    func shut() -> [Command] {
        state.withLock { state in
            state.isShut = true
            defer { state.commands = [] }
            return state.commands
        }
    }
}
