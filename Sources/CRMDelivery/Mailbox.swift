internal import Synchronization

/// Messages for one reader, who also wakes up at a time of its choosing and when its task is cancelled.
final class Mailbox<Message: Sendable>: Sendable {
    private struct State {
        var messages: [Message] = []
        var reader: CheckedContinuation<Void, Never>?
        /// Somebody woke the reader before it slept.
        var isPoked = false
    }

    private let state = Mutex(State())

    func post(_ message: Message) {
        state.withLock { state in
            state.messages.append(message)
            return state.reader.take()
        }?.resume()
    }

    /// What has come, in order; nothing when the time is over or the task was cancelled.
    func next(until deadline: ContinuousClock.Instant, _ clock: DeliveryClock) async -> [Message] {
        let present = takeAll()
        if !present.isEmpty || clock.now() >= deadline { return present }
        let alarm = Task { [weak self] in
            // One that was cancelled must not wake the reader's next wait.
            do { try await clock.sleep(deadline) } catch { return }
            self?.poke()
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isDone = state.withLock { state in
                    if state.isPoked || !state.messages.isEmpty { return true }
                    state.reader = continuation
                    return false
                }
                if isDone { continuation.resume() }
            }
        } onCancel: {
            poke()
        }
        alarm.cancel()
        return takeAll()
    }

    private func takeAll() -> [Message] {
        state.withLock { state in
            defer {
                state.messages = []
                state.isPoked = false
            }
            return state.messages
        }
    }

    private func poke() {
        state.withLock { state in
            // An alarm may ring as it is cancelled; the reader then finds nothing new and goes on.
            state.isPoked = true
            return state.reader.take()
        }?.resume()
    }
}
