import CRMTransport
import Glibc
import Synchronization

/// Says when files of some directories have changed, once per flurry.
final class DirectoryWatch: Sendable {
    let changes: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation
    private let inotify: Int32
    /// Two ends of a pipe: what is written into one wakes the thread, which reads the other.
    private let stopSignal: (read: Int32, write: Int32)
    private let state: Mutex<State>

    private struct State {
        var wanted: Set<String>
        /// By inotify's number; a directory that is missing is tried again.
        var watched: [Int32: String] = [:]

        var missing: Set<String> { wanted.subtracting(watched.values) }
    }

    /// A flurry has ended after so long a silence, and is reported after so long in any case: a file may then be still half there, which
    /// the passes have to stand.
    private static let silenceMilliseconds: Int32 = 300
    private static let longestFlurry: Int64 = 1_200_000_000
    private static let retryMilliseconds: Int32 = 1_000

    init(_ directories: Set<String>) throws(LibraryError) {
        inotify = inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK))
        guard inotify >= 0 else { throw LibraryError(.watch, "inotify: \(systemMessage())") }
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else {
            let message = systemMessage()
            close(inotify)
            throw LibraryError(.watch, "pipe: \(message)")
        }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        stopSignal = (ends[0], ends[1])
        state = Mutex(State(wanted: directories))
        (changes, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        addMissing()
        do {
            try DetachedThread.start { [self] in run() }
        } catch {
            closeAll()
            throw LibraryError(.watch, "\(error)")
        }
    }

    /// Watches these from now on as well. What happened in them before is reported as a change.
    func follow(_ directories: Set<String>) {
        state.withLock { $0.wanted.formUnion(directories) }
        if addMissing() { continuation.yield() }
    }

    func stop() {
        var one: UInt8 = 1
        _ = write(stopSignal.write, &one, 1)
    }

    private func closeAll() {
        for descriptor in [inotify, stopSignal.read, stopSignal.write] { close(descriptor) }
    }

    // MARK: The thread

    private func run() {
        defer {
            continuation.finish()
            closeAll()
        }
        while true {
            // Never for good: `follow` may meanwhile want a directory that is not there yet.
            switch wait(milliseconds: Self.retryMilliseconds) {
            case .stopped: return
            case .quiet: if addMissing() { continuation.yield() }
            case .changed:
                guard waitForSilence() else { return }
                continuation.yield()
            }
        }
    }

    private enum Event { case changed, quiet, stopped }

    private func wait(milliseconds: Int32) -> Event {
        var descriptors = [inotify, stopSignal.read].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        let count = poll(&descriptors, 2, milliseconds)
        if descriptors[1].revents != 0 { return .stopped }
        guard count > 0 else { return .quiet }
        readEvents()
        return .changed
    }

    /// False: it was stopped meanwhile.
    private func waitForSilence() -> Bool {
        let start = monotonicNanoseconds()
        while monotonicNanoseconds() - start < Self.longestFlurry {
            switch wait(milliseconds: Self.silenceMilliseconds) {
            case .stopped: return false
            case .quiet: return true
            case .changed: continue
            }
        }
        return true
    }

    /// What has changed is not looked at, since a pass reads everything; only that a watched directory itself went away matters.
    private func readEvents() {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 16_384, alignment: 8)
        defer { buffer.deallocate() }
        while true {
            let count = read(inotify, buffer.baseAddress, buffer.count)
            guard count > 0 else { return }
            var place = 0
            while place + 16 <= count {
                let watch = buffer.loadUnaligned(fromByteOffset: place, as: Int32.self)
                let mask = buffer.loadUnaligned(fromByteOffset: place + 4, as: UInt32.self)
                let nameLength = buffer.loadUnaligned(fromByteOffset: place + 12, as: UInt32.self)
                if mask & UInt32(IN_IGNORED) != 0 { state.withLock { _ = $0.watched.removeValue(forKey: watch) } }
                if mask & UInt32(IN_MOVE_SELF) != 0 { inotify_rm_watch(inotify, watch) }
                place += 16 + Int(nameLength)
            }
        }
    }

    /// True when a directory that was missing is watched now.
    @discardableResult
    private func addMissing() -> Bool {
        state.withLock { state in
            let before = state.watched.count
            for directory in state.missing {
                let mask =
                    UInt32(IN_MODIFY) | UInt32(IN_CLOSE_WRITE) | UInt32(IN_MOVED_TO) | UInt32(IN_MOVED_FROM) | UInt32(IN_CREATE)
                    | UInt32(IN_DELETE) | UInt32(IN_ATTRIB) | UInt32(IN_MOVE_SELF)
                let watch = inotify_add_watch(inotify, directory, mask)
                if watch >= 0 { state.watched[watch] = directory }
            }
            return state.watched.count > before
        }
    }
}
