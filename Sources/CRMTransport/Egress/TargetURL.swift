import CCurl

/// A URL that libcurl's parser and our reading of the raw bytes agree on; the parsed form is also what the call is made with, so that
/// check and call cannot differ.
///
/// Parsers disagree about almost everything that is unusual, so all that is unusual is refused: other bytes than printable ASCII, spaces,
/// backslashes, user info, a fragment, percent-coding in the authority, and any host that libcurl would rewrite.
final class TargetURL {
    let origin: Origin
    /// Host and port as they were written.
    let authority: String
    /// libcurl's parsed URL; lives as long as this object.
    let handle: OpaquePointer

    static let maximumLength = 2_048

    init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count <= Self.maximumLength, bytes.allSatisfy(Self.isPlain), !bytes.contains(UInt8(ascii: "#")) else { return nil }
        guard let (scheme, authority) = Self.split(text), let (host, port) = Self.hostAndPort(authority, scheme: scheme) else { return nil }

        guard let url = curl_url() else { return nil }
        guard curl_url_set(url, CURLUPART_URL, text, UInt32(CURLU_DISALLOW_USER)) == CURLUE_OK,
            Self.part(CURLUPART_SCHEME, of: url)?.lowercased() == scheme,
            Self.part(CURLUPART_HOST, of: url)?.lowercased() == host,
            Self.part(CURLUPART_PORT, of: url).flatMap({ Int($0) }) == port
        else {
            curl_url_cleanup(url)
            return nil
        }
        handle = url
        self.authority = authority
        origin = Origin(scheme: scheme, host: host, port: port)
    }

    deinit { curl_url_cleanup(handle) }

    private static func isPlain(_ byte: UInt8) -> Bool { byte > 0x20 && byte < 0x7F && byte != UInt8(ascii: "\\") }

    /// `https://a.example/b` as `https` and `a.example`, by nothing but the first `://` and the first delimiter after it.
    private static func split(_ text: String) -> (scheme: String, authority: String)? {
        for scheme in ["https", "http"] where text.lowercased().hasPrefix(scheme + "://") {
            let rest = text.dropFirst(scheme.count + 3)
            let authority = rest.prefix { $0 != "/" && $0 != "?" }
            return authority.isEmpty ? nil : (scheme, String(authority))
        }
        return nil
    }

    private static func hostAndPort(_ authority: String, scheme: String) -> (host: String, port: Int)? {
        guard !authority.contains("@"), !authority.contains("%") else { return nil }
        // An IPv6 literal keeps its brackets, as it does in libcurl.
        let hostEnd = authority.hasPrefix("[") ? authority.firstIndex(of: "]").map(authority.index(after:)) : authority.firstIndex(of: ":")
        let end = hostEnd ?? authority.endIndex
        let host = authority[..<end].lowercased()
        let rest = authority[end...]
        guard !host.isEmpty, !authority.hasPrefix("[") || hostEnd != nil else { return nil }
        if rest.isEmpty { return (host, scheme == "https" ? 443 : 80) }
        guard rest.hasPrefix(":"), rest.utf8.count <= 6, let port = UInt16(rest.dropFirst()), port > 0 else { return nil }
        return (host, Int(port))
    }

    private static func part(_ part: CURLUPart, of url: OpaquePointer) -> String? {
        var text: UnsafeMutablePointer<CChar>?
        guard curl_url_get(url, part, &text, UInt32(CURLU_DEFAULT_PORT)) == CURLUE_OK, let text else { return nil }
        defer { curl_free(text) }
        return String(cString: text)
    }
}
