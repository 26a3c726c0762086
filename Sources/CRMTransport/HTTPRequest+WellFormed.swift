extension HTTPRequest {
    /// What would let the caller write a second request into the first, speak for another host, or break the framing that is libcurl's
    /// business.
    var isWellFormed: Bool {
        Self.isToken(method)
            && headers.allSatisfy { header in
                Self.isToken(header.name)
                    && !Self.reserved.contains(header.name.lowercased())
                    && header.value.utf8.allSatisfy { $0 == 0x09 || ($0 >= 0x20 && $0 != 0x7F) }
            }
    }

    private static let reserved: Set<String> = [
        "host", "content-length", "transfer-encoding", "connection", "keep-alive", "upgrade", "expect", "te", "trailer",
        "proxy-authorization", "proxy-connection", "http2-settings",
    ]

    /// RFC 9110, section 5.6.2.
    private static func isToken(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default:
                    "!#$%&'*+-.^_`|~".utf8.contains(byte)
                }
            }
    }
}
