import Glibc
import Synchronization

/// A small HTTP/1.1 server on 127.0.0.1 that answers as a closure says, remembers what it was asked, and counts connections.
package final class LoopbackServer: Sendable {
    package struct Request: Sendable {
        package var method: String
        /// Path and query, as they came.
        package var target: String
        /// Names in lower case.
        package var headers: [String: String]
        package var body: [UInt8]

        package var text: String { String(decoding: body, as: UTF8.self) }
    }

    package enum Reply: Sendable {
        case answer(status: Int = 200, headers: [(String, String)] = [], body: String = "")
        /// These bytes, then the connection is closed.
        case raw(String)
        /// The connection is reset without an answer.
        case reset
        /// Nothing, until the peer hangs up.
        case silence
        /// A body of so many bytes in chunks, so that no length is announced.
        case chunked(Int)
        /// The answer once the gate opens.
        case after(Gate, body: String)
    }

    /// Holds answers back until somebody opens it.
    package final class Gate: Sendable {
        private let isOpen = Mutex(false)
        package init() {}
        package func open() { isOpen.withLock { $0 = true } }
        fileprivate func wait(while peerIsThere: () -> Bool) {
            while !isOpen.withLock({ $0 }), peerIsThere() {}
        }
    }

    package let port: Int
    private let listener: Int32
    private let respond: @Sendable (Request) -> Reply
    private let state = Mutex((connections: 0, requests: [Request](), isStopped: false))

    package init(respond: @escaping @Sendable (Request) -> Reply) {
        self.respond = respond
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = listener
        let isListening = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && listen(listener, 512) == 0 && getsockname(listener, $0, &length) == 0
            }
        }
        precondition(isListening, "no loopback listener")
        port = Int(UInt16(bigEndian: address.sin_port))
        Self.detach { [self] in accepting() }
    }

    package var origin: String { "http://127.0.0.1:\(port)" }
    package var connections: Int { state.withLock { $0.connections } }
    package var requests: [Request] { state.withLock { $0.requests } }

    package func stop() {
        // Under the lock, so that the listener's number is not yet somebody else's.
        state.withLock { state in
            if !state.isStopped { shutdown(listener, Int32(SHUT_RDWR)) }
            state.isStopped = true
        }
    }

    private func accepting() {
        while true {
            let connection = accept(listener, nil, nil)
            let error = errno
            // A child process that inherited the connection would keep it open after we have closed it.
            _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
            if state.withLock({ $0.isStopped }) || (connection < 0 && error != EINTR && error != ECONNABORTED) {
                if connection >= 0 { close(connection) }
                close(listener)
                return
            }
            guard connection >= 0 else { continue }
            state.withLock { $0.connections += 1 }
            Self.detach { [self] in
                serve(connection)
                close(connection)
            }
        }
    }

    private func serve(_ connection: Int32) {
        var received: [UInt8] = []
        while let request = Self.read(from: connection, &received) {
            state.withLock { $0.requests.append(request) }
            switch respond(request) {
            case .answer(let status, let headers, let body):
                Self.send(Self.answer(status, headers, body), to: connection)
            case .raw(let text):
                Self.send(text, to: connection)
                return
            case .reset:
                var linger = linger(l_onoff: 1, l_linger: 0)
                setsockopt(connection, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
                return
            case .silence:
                while Self.peerIsThere(connection) {}
                return
            case .chunked(let count):
                Self.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", to: connection)
                for _ in 0..<(count / 1_024) { Self.send("400\r\n\(String(repeating: "x", count: 1_024))\r\n", to: connection) }
                Self.send("0\r\n\r\n", to: connection)
            case .after(let gate, let body):
                gate.wait { Self.peerIsThere(connection) }
                Self.send(Self.answer(200, [], body), to: connection)
            }
        }
    }

    /// Waits a moment for a sign of the peer; false once it has hung up.
    private static func peerIsThere(_ connection: Int32) -> Bool {
        var watched = pollfd(fd: connection, events: Int16(POLLIN), revents: 0)
        guard poll(&watched, 1, 10) > 0 else { return true }
        var byte: UInt8 = 0
        return recv(connection, &byte, 1, Int32(MSG_PEEK)) > 0
    }

    private static func answer(_ status: Int, _ headers: [(String, String)], _ body: String) -> String {
        let lines = headers.map { "\($0.0): \($0.1)\r\n" }.joined()
        return "HTTP/1.1 \(status) Scripted\r\n\(lines)content-length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    private static func read(from connection: Int32, _ received: inout [UInt8]) -> Request? {
        while true {
            if let request = take(from: &received) { return request }
            var buffer = [UInt8](repeating: 0, count: 65_536)
            let count = recv(connection, &buffer, buffer.count, 0)
            guard count > 0 else { return nil }
            received += buffer[..<count]
        }
    }

    private static func take(from received: inout [UInt8]) -> Request? {
        let separator = Array("\r\n\r\n".utf8)
        guard let end = received.indices.first(where: { received[$0...].starts(with: separator) }) else { return nil }
        let lines = String(decoding: received[..<end], as: UTF8.self).split(separator: "\r\n")
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            headers[line[..<colon].lowercased()] = String(line[line.index(after: colon)...].drop { $0 == " " })
        }
        let length = headers["content-length"].flatMap { Int($0) } ?? 0
        guard received.count >= end + separator.count + length else { return nil }
        let body = Array(received[(end + separator.count)...].prefix(length))
        received.removeFirst(end + separator.count + length)
        let words = lines.first?.split(separator: " ") ?? []
        guard words.count == 3 else { return nil }
        return Request(method: String(words[0]), target: String(words[1]), headers: headers, body: body)
    }

    private static func send(_ text: String, to connection: Int32) {
        let bytes = Array(text.utf8)
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(connection, $0.baseAddress.map { $0 + sent }, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            sent += count
        }
    }

    private static func detach(_ body: @escaping @Sendable () -> Void) {
        final class Work: Sendable {
            let body: @Sendable () -> Void
            init(_ body: @escaping @Sendable () -> Void) { self.body = body }
        }
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { argument in
                if let argument { Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().body() }
                return nil
            }, Unmanaged.passRetained(Work(body)).toOpaque())
        precondition(code == 0, "no thread")
        pthread_detach(thread)
    }
}
