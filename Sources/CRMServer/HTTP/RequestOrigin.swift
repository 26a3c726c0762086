internal import CRMCore
internal import FoundationEssentials
internal import Hummingbird

/// The client's own id of a request when it is 1 to 128 characters of `[A-Za-z0-9._-]`.
func wellFormedRequestID(_ headers: [String]) -> String? {
    guard headers.count == 1, (1...128).contains(headers[0].utf8.count), headers[0].utf8.allSatisfy(isRequestIDCharacter) else {
        return nil
    }
    return headers[0]
}

private func isRequestIDCharacter(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
        UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
        true
    default: false
    }
}

/// The address of the client: the peer's, unless the peer is a proxy that we trust; then the last hop of `X-Forwarded-For` that is not
/// one of ours. What a client writes there itself stands further left and is not reached.
func clientAddress(peer: String, forwarded: [String], trustedProxies: Set<String>) -> String {
    guard trustedProxies.contains(peer) else { return peer }
    let hops = forwarded.flatMap { $0.split(separator: ",", omittingEmptySubsequences: false) }.map { String($0).trimmed }
    for hop in hops.reversed() {
        guard isAddress(hop) else { return peer }
        if !trustedProxies.contains(hop) { return hop }
    }
    return peer
}

/// Close enough to tell an address from anything else that could be written into a log.
private func isAddress(_ text: String) -> Bool {
    (2...45).contains(text.utf8.count)
        && text.utf8.allSatisfy { byte in
            byte.hexadecimalDigit != nil || byte == UInt8(ascii: ".") || byte == UInt8(ascii: ":")
        }
}

/// A W3C `traceparent`, or `nil` when there is none that is well-formed.
func wellFormedTraceparent(_ headers: [String]) -> String? {
    guard headers.count == 1 else { return nil }
    let parts = headers[0].split(separator: "-", omittingEmptySubsequences: false)
    guard parts.map(\.utf8.count) == [2, 32, 16, 2], parts.allSatisfy({ $0.utf8.allSatisfy { $0.hexadecimalDigit != nil } }) else {
        return nil
    }
    return headers[0].lowercased()
}
