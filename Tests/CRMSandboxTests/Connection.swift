import Glibc

/// A plain HTTP/1.1 connection: it shows what a client library would hide, such as a connection that was cut.
final class Connection {
    struct Response: Sendable {
        let status: Int
        /// Names in lower case.
        let headers: [String: String]
        /// Each `Set-Cookie` by itself.
        let cookies: [String]
        let body: [UInt8]
    }

    enum Failure: Error { case cannotConnect, closed, malformed }

    private let socket: Int32
    private var received: [UInt8] = []

    init(port: Int) throws {
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var limit = timeval(tv_sec: 30, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port).bigEndian)
        address.sin_addr.s_addr = in_addr_t(UInt32(0x7F00_0001).bigEndian)
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        guard result == 0 else { throw Failure.cannotConnect }
    }

    deinit { close(socket) }

    func send(_ method: String, _ target: String, headers: [(String, String)], body: [UInt8]) throws {
        var head = "\(method) \(target) HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: \(body.count)\r\n"
        for (name, value) in headers { head += "\(name): \(value)\r\n" }
        try send(Array((head + "\r\n").utf8) + body)
    }

    func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(socket, $0.baseAddress?.advanced(by: sent), $0.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw Failure.closed }
            sent += count
        }
    }

    /// The next answer; `Failure.closed` when the other side hung up before it was whole.
    func receive() throws -> Response {
        let end = Array("\r\n\r\n".utf8)
        var headEnd = received.firstRange(of: end)
        while headEnd == nil {
            try readMore()
            headEnd = received.firstRange(of: end)
        }
        guard let headEnd else { throw Failure.malformed }
        let lines = String(decoding: received[..<headEnd.lowerBound], as: UTF8.self).split(separator: "\r\n")
        guard let status = lines.first?.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else { throw Failure.malformed }
        var headers: [String: String] = [:]
        var cookies: [String] = []
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { throw Failure.malformed }
            let value = String(parts[1].drop { $0 == " " })
            headers[parts[0].lowercased()] = value
            if parts[0].lowercased() == "set-cookie" { cookies.append(value) }
        }
        let length = Int(headers["content-length"] ?? "0") ?? 0
        while received.count < headEnd.upperBound + length { try readMore() }
        let body = Array(received[headEnd.upperBound..<headEnd.upperBound + length])
        received.removeFirst(headEnd.upperBound + length)
        return Response(status: status, headers: headers, cookies: cookies, body: body)
    }

    /// Whether the other side hangs up without another byte.
    func isClosedByPeer() -> Bool {
        var byte: UInt8 = 0
        return received.isEmpty && recv(socket, &byte, 1, 0) == 0
    }

    private func readMore() throws {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = recv(socket, &buffer, buffer.count, 0)
        guard count > 0 else { throw Failure.closed }
        received += buffer[..<count]
    }
}
