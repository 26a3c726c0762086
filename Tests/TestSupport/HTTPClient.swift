internal import Foundation
internal import Glibc

/// Speaks HTTP/1.1 over a socket of its own, byte by byte: also what a proper client would never send.
package struct HTTPClient: Sendable {
    package struct Answer: Sendable {
        package var status: Int
        package var headers: [(name: String, value: String)]
        package var body: [UInt8]

        package var text: String { String(decoding: body, as: UTF8.self) }

        /// The value of the only header of this name.
        package subscript(name: String) -> String? {
            let values = headers.filter { $0.name.lowercased() == name.lowercased() }.map(\.value)
            return values.count == 1 ? values[0] : nil
        }
    }

    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    package let port: Int

    package init(port: Int) { self.port = port }

    /// One request on a connection of its own.
    package func send(
        _ method: String, _ target: String, headers: [String: String] = [:], body: String? = nil
    ) async throws -> Answer {
        var lines = ["\(method) \(target) HTTP/1.1", "Host: 127.0.0.1:\(port)", "Connection: close"]
        lines += headers.map { "\($0.key): \($0.value)" }
        if let body { lines.append("Content-Length: \(body.utf8.count)") }
        let received = try await exchange(Array((lines.joined(separator: "\r\n") + "\r\n\r\n" + (body ?? "")).utf8))
        guard let answer = Self.answers(in: received, toHead: method == "HEAD").first else {
            throw Failure(description: "\(method) \(target) was answered with \(received.count) bytes that are no answer")
        }
        return answer
    }

    /// Sends the pieces one by one and reads until the server closes; a piece that can no longer be sent ends the sending. `pause`
    /// milliseconds pass between two pieces.
    package func exchange(_ pieces: [UInt8]..., pause: Int = 0, patience: Int = 20) async throws -> [UInt8] {
        try await withCheckedThrowingContinuation { continuation in
            // A thread of its own: on those that tasks share, and on dispatch's, waiting would hold up the server under test.
            Thread.detachNewThread {
                continuation.resume(with: Result { try blockingExchange(pieces, pause: pause, patience: patience) })
            }
        }
    }

    private func blockingExchange(_ pieces: [[UInt8]], pause: Int, patience: Int) throws -> [UInt8] {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw Failure(description: "no socket: errno \(errno)") }
        defer { close(descriptor) }
        var limit = timeval(tv_sec: patience, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port)).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        guard connected == 0 else { throw Failure(description: "no connection to port \(port): errno \(errno)") }
        for (index, piece) in pieces.enumerated() {
            if index > 0, pause > 0 { usleep(UInt32(pause) * 1_000) }
            guard send(all: piece, to: descriptor) else { break }
        }
        return try receive(from: descriptor)
    }

    private func send(all bytes: [UInt8], to descriptor: Int32) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    private func receive(from descriptor: Int32) throws -> [UInt8] {
        var received: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count > 0 {
                received += buffer[..<count]
            } else if count == 0 || errno == ECONNRESET {
                return received
            } else {
                throw Failure(description: "the server neither answered nor closed: errno \(errno), \(received.count) bytes so far")
            }
        }
    }

    /// The answers that stand one after the other in these bytes.
    package static func answers(in bytes: [UInt8], toHead: Bool = false) -> [Answer] {
        var answers: [Answer] = []
        var rest = bytes[...]
        while let end = rest.firstRange(of: Array("\r\n\r\n".utf8)) {
            let lines = String(decoding: rest[..<end.lowerBound], as: UTF8.self).split(separator: "\r\n")
            guard let first = lines.first, first.hasPrefix("HTTP/1.1 "), let status = Int(first.dropFirst(9).prefix(3)) else {
                return answers
            }
            let headers = lines.dropFirst().compactMap { line -> (name: String, value: String)? in
                guard let colon = line.firstIndex(of: ":") else { return nil }
                return (String(line[..<colon]), String(line[line.index(after: colon)...].drop { $0 == " " }))
            }
            var answer = Answer(status: status, headers: headers, body: [])
            rest = rest[end.upperBound...]
            let length = toHead ? 0 : answer["content-length"].flatMap { Int($0) } ?? 0
            answer.body = Array(rest.prefix(length))
            rest = rest.dropFirst(length)
            answers.append(answer)
        }
        return answers
    }
}
