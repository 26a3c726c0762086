/// One outbound call, complete: nothing is added to it but what the transport's rules demand.
package struct HTTPRequest: Sendable {
    package var method: String
    /// Absolute; user info and fragment are refused.
    package var url: String
    package var headers: [HTTPHeader]
    package var body: [UInt8]
    /// For the whole exchange, name look-up included.
    package var timeout: Duration
    package var maximumResponseBytes: Int
    /// The body of the answer is counted but not kept.
    package var discardsBody: Bool

    package static let standardResponseLimit = 1 << 20

    package init(
        method: String = "GET", url: String, headers: [HTTPHeader] = [], body: [UInt8] = [], timeout: Duration = .seconds(8),
        maximumResponseBytes: Int = HTTPRequest.standardResponseLimit, discardsBody: Bool = false
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.timeout = timeout
        self.maximumResponseBytes = maximumResponseBytes
        self.discardsBody = discardsBody
    }
}

/// A header field; in answers the name is in lower case.
package struct HTTPHeader: Hashable, Sendable {
    package var name: String
    package var value: String

    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

/// A complete answer, whatever its status.
package struct HTTPResponse: Sendable {
    package var status: Int
    /// In the order of arrival; a repeated header is repeated.
    package var headers: [HTTPHeader]
    package var body: [UInt8]

    /// The first value of a header.
    package subscript(header name: String) -> String? {
        headers.first { $0.name == name.lowercased() }?.value
    }
}
