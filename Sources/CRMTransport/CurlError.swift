import CCurl

/// libcurl's results in our words: the one place where they are read.
extension HTTPFailure {
    /// `requestWasSent`: the transfer got past connecting, so the other side may have seen it.
    init(_ code: CURLcode, requestWasSent: Bool) {
        switch code {
        case CURLE_OPERATION_TIMEDOUT where !requestWasSent:
            self.init(.connect, "no connection was made in time")
        case CURLE_OPERATION_TIMEDOUT:
            self.init(.timeout, "no complete answer came in time")
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY:
            self.init(.dns, "the host name could not be resolved")
        case CURLE_COULDNT_CONNECT:
            self.init(.connect, "the connection was refused or the host cannot be reached")
        case CURLE_SSL_CONNECT_ERROR, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_INVALIDCERTSTATUS,
            CURLE_SSL_CLIENTCERT, CURLE_SSL_ENGINE_NOTFOUND, CURLE_SSL_ENGINE_SETFAILED:
            self.init(.tls, "the TLS handshake failed")
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_PINNEDPUBKEYNOTMATCH:
            self.init(.tls, "the server's certificate was not accepted")
        case CURLE_SSL_CACERT_BADFILE:
            self.init(.tls, "the file of certificate authorities could not be read")
        case CURLE_FILESIZE_EXCEEDED:
            self = .tooLarge
        // libcurl's words for an answer in HTTP/0.9 are the second.
        case CURLE_WEIRD_SERVER_REPLY where requestWasSent, CURLE_UNSUPPORTED_PROTOCOL where requestWasSent:
            self.init(.reset, "the answer was not HTTP")
        case CURLE_UNSUPPORTED_PROTOCOL, CURLE_URL_MALFORMAT:
            self = .blockedURL
        default:
            self.init(requestWasSent ? .reset : .connect, "the connection ended before the answer was complete")
        }
    }
}

/// The setup of libcurl failed; nothing to do with a single call.
package struct TransportSetupError: Error, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }

    /// Every setter passes through here: an option that libcurl does not take would be a rule that is not kept.
    static func check(_ code: CURLcode, _ option: StaticString) throws(TransportSetupError) {
        guard code == CURLE_OK else { throw TransportSetupError("libcurl does not accept \(option) (code \(code.rawValue))") }
    }
}
