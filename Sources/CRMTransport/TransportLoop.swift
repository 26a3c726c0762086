import CCurl
import Synchronization

/// A libcurl multi handle and the thread that alone touches it.
///
/// Other threads leave commands under the lock and wake the thread; libcurl allows exactly that one call from outside.
final class TransportLoop: @unchecked Sendable {
    private enum Command {
        case start(Exchange)
        case cancel(UInt64)
    }

    private struct Inbox {
        var commands: [Command] = []
        var isStopped = false
        /// `nil` once the thread has freed it, after which nobody may wake it.
        var multi: OpaqueMulti?
    }

    private struct OpaqueMulti: @unchecked Sendable { let pointer: UnsafeMutableRawPointer }

    private let inbox: Mutex<Inbox>
    private let rules: Exchange.Rules
    private let multi: UnsafeMutableRawPointer
    /// Only the thread's.
    private var running: [UnsafeMutableRawPointer: Exchange] = [:]

    /// How many idle connections are kept.
    private static let connectionPoolSize = 64

    init(rules: Exchange.Rules) throws(TransportSetupError) {
        guard let multi = curl_multi_init() else { throw TransportSetupError("curl_multi_init failed") }
        guard ccurl_multi_set_long(multi, CURLMOPT_MAXCONNECTS, Self.connectionPoolSize) == CURLM_OK else {
            curl_multi_cleanup(multi)
            throw TransportSetupError("libcurl does not accept CURLMOPT_MAXCONNECTS")
        }
        self.rules = rules
        self.multi = multi
        inbox = Mutex(Inbox(multi: OpaqueMulti(pointer: multi)))
    }

    /// False: it was stopped, and the exchange is not taken.
    func submit(_ exchange: Exchange) -> Bool { leave(.start(exchange)) }

    func cancel(_ id: UInt64) { _ = leave(.cancel(id)) }

    func stop() {
        inbox.withLock { inbox in
            inbox.isStopped = true
            if let multi = inbox.multi { curl_multi_wakeup(multi.pointer) }
        }
    }

    private func leave(_ command: Command) -> Bool {
        inbox.withLock { inbox in
            guard !inbox.isStopped, let multi = inbox.multi else { return false }
            inbox.commands.append(command)
            curl_multi_wakeup(multi.pointer)
            return true
        }
    }

    // MARK: The thread

    func run() {
        while true {
            let (commands, isStopped) = inbox.withLock { inbox in
                defer { inbox.commands = [] }
                return (inbox.commands, inbox.isStopped)
            }
            for command in commands { perform(command) }
            if isStopped { break }

            var active: Int32 = 0
            curl_multi_perform(multi, &active)
            collect()
            // A command that came meanwhile has left a wake-up behind, which ends this at once.
            curl_multi_poll(multi, nil, 0, 60_000, nil)
        }
        for exchange in Array(running.values) { end(exchange, .failure(.cancelled)) }
        inbox.withLock { $0.multi = nil }
        curl_multi_cleanup(multi)
    }

    private func perform(_ command: Command) {
        switch command {
        case .start(let exchange):
            do throws(HTTPFailure) {
                let easy = try exchange.prepare(rules)
                guard curl_multi_add_handle(multi, easy) == CURLM_OK else {
                    throw HTTPFailure(.connect, "the transport could not take the request")
                }
                running[easy] = exchange
            } catch {
                exchange.finish(.failure(error))
            }
        case .cancel(let id):
            if let exchange = running.values.first(where: { $0.id == id }) { end(exchange, .failure(.cancelled)) }
        }
    }

    private func collect() {
        var left: Int32 = 0
        while let message = curl_multi_info_read(multi, &left) {
            let easy = message.pointee.easy_handle
            guard message.pointee.msg == CURLMSG_DONE, let exchange = easy.flatMap({ running[$0] }) else { continue }
            end(exchange, exchange.result(ccurl_message_result(message)))
        }
    }

    private func end(_ exchange: Exchange, _ result: Result<HTTPResponse, HTTPFailure>) {
        if let easy = exchange.easy {
            running[easy] = nil
            curl_multi_remove_handle(multi, easy)
        }
        exchange.finish(result)
    }
}
