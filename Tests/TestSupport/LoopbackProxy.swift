import Foundation
import Glibc
import Synchronization

/// Stands between a program and a server on loopback, so that a test can cut the line and mend it again.
package final class LoopbackProxy: Sendable {
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    private struct State {
        var upstream: UInt16 = 0
        var isCut = false
        var open: Set<Int32> = []
    }

    package let port: UInt16
    private let listener: Int32
    private let state = Mutex(State())

    package init() throws {
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = Self.loopback(0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = listener
        let isListening = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && listen(listener, 64) == 0 && getsockname(listener, $0, &length) == 0
            }
        }
        guard isListening else { throw Failure(description: "no loopback listener") }
        port = UInt16(bigEndian: address.sin_port)
        let thread = Thread { [weak self, listener] in
            while let self { guard self.acceptOne(on: listener) else { return } }
        }
        thread.start()
    }

    deinit { shutdown(listener, Int32(SHUT_RDWR)) }

    /// The same connection string, in libpq's keyword form, through this proxy.
    package func stand(before dsn: String) throws -> String {
        guard let match = dsn.firstMatch(of: /port='?([0-9]+)/), let upstream = UInt16(match.1) else {
            throw Failure(description: "the connection string names no port")
        }
        state.withLock { $0.upstream = upstream }
        // Of a repeated keyword libpq takes the last.
        return dsn + " host=127.0.0.1 port=\(port)"
    }

    /// Ends all connections and closes new ones at once.
    package func cut() {
        state.withLock { state in
            state.isCut = true
            for descriptor in state.open { shutdown(descriptor, Int32(SHUT_RDWR)) }
        }
    }

    package func mend() { state.withLock { $0.isCut = false } }

    private func acceptOne(on listener: Int32) -> Bool {
        let client = accept(listener, nil, nil)
        guard client >= 0 else { return errno == EINTR || errno == ECONNABORTED }
        guard let server = connectUpstream() else {
            close(client)
            return true
        }
        let isCut = state.withLock { state in
            state.open.formUnion([client, server])
            return state.isCut
        }
        if isCut { shutdown(client, Int32(SHUT_RDWR)) }
        // Both directions hold the pair; the last one closes it.
        let pair = Pair(client: client, server: server) { [weak self] in self?.forget(client, server) }
        for (source, target) in [(client, server), (server, client)] {
            Thread { Self.copy(from: source, to: target, holding: pair) }.start()
        }
        return true
    }

    private func connectUpstream() -> Int32? {
        guard let upstream = state.withLock({ $0.isCut ? nil : $0.upstream }) else { return nil }
        let server = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = Self.loopback(upstream)
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(server, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard connected else {
            close(server)
            return nil
        }
        return server
    }

    private func forget(_ client: Int32, _ server: Int32) {
        state.withLock { state in
            state.open.remove(client)
            state.open.remove(server)
        }
    }

    private static func copy(from source: Int32, to target: Int32, holding pair: Pair) {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(source, &buffer, buffer.count, 0)
            guard count > 0 else { break }
            var sent = 0
            while sent < count {
                let written = buffer.withUnsafeBytes {
                    $0.baseAddress.map { send(target, $0 + sent, count - sent, Int32(MSG_NOSIGNAL)) } ?? -1
                }
                guard written > 0 else { break }
                sent += written
            }
            if sent < count { break }
        }
        shutdown(source, Int32(SHUT_RDWR))
        shutdown(target, Int32(SHUT_RDWR))
    }

    private static func loopback(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        address.sin_port = port.bigEndian
        return address
    }

    /// Two sockets that are closed together when nobody copies between them any more.
    private final class Pair: Sendable {
        private let client: Int32
        private let server: Int32
        private let ended: @Sendable () -> Void

        init(client: Int32, server: Int32, ended: @escaping @Sendable () -> Void) {
            self.client = client
            self.server = server
            self.ended = ended
        }

        deinit {
            ended()
            close(client)
            close(server)
        }
    }
}
