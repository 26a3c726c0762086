/// What has arrived of an answer, within its limits.
struct IncomingAnswer {
    private let maximumBodyBytes: Int
    private let maximumHeaderBytes: Int
    private let keepsBody: Bool

    private(set) var headers: [HTTPHeader] = []
    private(set) var body: [UInt8] = []
    private(set) var isTooLarge = false
    private var bodyBytes = 0
    private var headerBytes = 0

    init(maximumBodyBytes: Int, maximumHeaderBytes: Int, keepsBody: Bool) {
        self.maximumBodyBytes = maximumBodyBytes
        self.maximumHeaderBytes = maximumHeaderBytes
        self.keepsBody = keepsBody
    }

    /// Returns how many bytes were taken: fewer than came ends the transfer.
    mutating func take(body data: UnsafeMutablePointer<CChar>?, _ count: Int) -> Int {
        bodyBytes += count
        // libcurl checks only a length that was announced.
        guard bodyBytes <= maximumBodyBytes else {
            isTooLarge = true
            return 0
        }
        if keepsBody, let data { body.append(contentsOf: UnsafeRawBufferPointer(start: data, count: count)) }
        return count
    }

    mutating func take(header data: UnsafeMutablePointer<CChar>?, _ count: Int) -> Int {
        headerBytes += count
        guard headerBytes <= maximumHeaderBytes else {
            isTooLarge = true
            return 0
        }
        guard let data else { return count }
        let line = String(decoding: UnsafeRawBufferPointer(start: data, count: count), as: UTF8.self)
        if line.hasPrefix("HTTP/") {
            // An interim answer (103) came before; its headers are not the answer's.
            headers = []
        } else if let colon = line.firstIndex(of: ":") {
            headers.append(HTTPHeader(line[..<colon].lowercased(), trimmed(line[line.index(after: colon)...])))
        }
        return count
    }

    private func trimmed(_ text: Substring) -> String {
        var text = text
        while let first = text.first, first.isWhitespace { text.removeFirst() }
        while let last = text.last, last.isWhitespace { text.removeLast() }
        return String(text)
    }
}

extension Duration {
    /// Rounded up, so that a positive span never becomes "no limit".
    var transportMilliseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
    }
}
