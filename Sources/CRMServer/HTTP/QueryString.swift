internal import CRMCore

/// The parameters of a query. A `+` stands for itself, since e-mail addresses have it; `%20` is a space.
struct QueryString: Sendable {
    private let values: [String: String]

    /// Only the parameters that a route knows are taken: what would be ignored may have been meant to do something.
    init(_ text: String?, known: [String]) throws(Problem) {
        var values: [String: String] = [:]
        for pair in (text ?? "").split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = percentDecoded(parts[0]), let value = percentDecoded(parts.count > 1 ? parts[1] : "") else {
                throw Problem(.invalidParameter, "The query has an escape that is not UTF-8 in percent signs.")
            }
            guard known.contains(name) else {
                let expected = known.isEmpty ? "This route takes none." : "This route takes \(known.joined(separator: ", "))."
                throw Problem(.unknownParameter, "The query has a parameter that is not known. \(expected)")
            }
            guard values.updateValue(value, forKey: name) == nil else {
                throw Problem(.invalidParameter, "The parameter \(name) is repeated.")
            }
        }
        self.values = values
    }

    subscript(name: String) -> String? { values[name] }

    /// The parameter as a value of a closed set, an id, a time, ...; absent when it was not sent.
    func value<Value>(_ name: String, _ expectation: String, _ parse: (String) -> Value?) throws(Problem) -> Value? {
        guard let text = values[name] else { return nil }
        guard let value = parse(text) else { throw Problem(.invalidParameter, "The parameter \(name) must be \(expectation).") }
        return value
    }
}

/// `nil` when an escape is broken, the result is not UTF-8 or holds a NUL.
func percentDecoded(_ text: some StringProtocol) -> String? {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
        if byte == UInt8(ascii: "%") {
            guard let high = rest.popFirst()?.hexadecimalDigit, let low = rest.popFirst()?.hexadecimalDigit else { return nil }
            bytes.append(high << 4 | low)
        } else {
            bytes.append(byte)
        }
    }
    return bytes.contains(0) ? nil : String(validating: bytes, as: UTF8.self)
}

extension UInt8 {
    var hexadecimalDigit: UInt8? {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): self - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): self - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): self - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
