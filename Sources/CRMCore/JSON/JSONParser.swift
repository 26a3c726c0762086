/// Reads JSON strictly: RFC 8259, UTF-8 without a byte order mark, no repeated names, no NUL, bounded depth and size.
///
/// Repeated names and NUL are refused because PostgreSQL and other readers treat them differently from each other.
struct JSONParser {
    private let bytes: [UInt8]
    private let limits: JSONLimits
    private var position = 0
    private var tokens = 0

    init(_ bytes: [UInt8], limits: JSONLimits) {
        self.bytes = bytes
        self.limits = limits
    }

    mutating func document() throws(JSONError) -> JSONValue {
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { throw error(.malformed, "starts with a byte order mark") }
        skipSpace()
        let result = try value(depth: 1)
        skipSpace()
        guard position == bytes.count else { throw error(.malformed, "has text after the value") }
        return result
    }

    mutating func onlyNumber() throws(JSONError) -> JSONNumber {
        let result = try number()
        guard position == bytes.count else { throw error(.malformed, "is not a number") }
        return result
    }

    private mutating func value(depth: Int) throws(JSONError) -> JSONValue {
        try countToken()
        switch peek {
        case UInt8(ascii: "{"): return .object(try object(depth: depth))
        case UInt8(ascii: "["): return .array(try array(depth: depth))
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"):
            try word("true")
            return .bool(true)
        case UInt8(ascii: "f"):
            try word("false")
            return .bool(false)
        case UInt8(ascii: "n"):
            try word("null")
            return .null
        case let digit? where digit == UInt8(ascii: "-") || isDigit(digit): return .number(try number())
        case nil: throw error(.malformed, "ends where a value is expected")
        default: throw error(.malformed, "has something that is not a value")
        }
    }

    private mutating func object(depth: Int) throws(JSONError) -> JSONObject {
        try enter(depth)
        var members: [JSONObject.Member] = []
        var names: Set<String> = []
        skipSpace()
        if take(UInt8(ascii: "}")) { return JSONObject() }
        while true {
            skipSpace()
            guard peek == UInt8(ascii: "\"") else { throw error(.malformed, "expects a member's name in quotes") }
            try countToken()
            let start = position
            let key = try string()
            guard Self.isNew(key, among: members, &names) else {
                throw JSONError(code: .duplicateKey, offset: start, detail: "repeats the name \"\(key.prefix(64))\"")
            }
            skipSpace()
            guard take(UInt8(ascii: ":")) else { throw error(.malformed, "expects a colon after a name") }
            skipSpace()
            if members.isEmpty { members.reserveCapacity(8) }
            members.append(JSONObject.Member(key: key, value: try value(depth: depth + 1)))
            skipSpace()
            if take(UInt8(ascii: "}")) { return JSONObject(unique: members) }
            guard take(UInt8(ascii: ",")) else { throw error(.malformed, "expects a comma or the end of the object") }
        }
    }

    /// `names` is filled for objects of many members only: among few, looking through them is faster than hashing.
    private static func isNew(_ key: String, among members: [JSONObject.Member], _ names: inout Set<String>) -> Bool {
        if members.count < 16 { return !members.contains { $0.key == key } }
        if names.isEmpty { names = Set(members.map(\.key)) }
        return names.insert(key).inserted
    }

    private mutating func array(depth: Int) throws(JSONError) -> [JSONValue] {
        try enter(depth)
        var elements: [JSONValue] = []
        skipSpace()
        if take(UInt8(ascii: "]")) { return elements }
        while true {
            skipSpace()
            elements.append(try value(depth: depth + 1))
            skipSpace()
            if take(UInt8(ascii: "]")) { return elements }
            guard take(UInt8(ascii: ",")) else { throw error(.malformed, "expects a comma or the end of the array") }
        }
    }

    private mutating func number() throws(JSONError) -> JSONNumber {
        let start = position
        _ = take(UInt8(ascii: "-"))
        if !take(UInt8(ascii: "0")) { try digits() }
        if take(UInt8(ascii: ".")) { try digits() }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            try digits()
        }
        let literal = String(decoding: bytes[start..<position], as: UTF8.self)
        // So few digits without an exponent are always in range.
        if position - start <= 300, !bytes[start..<position].contains(where: { $0 | 0x20 == UInt8(ascii: "e") }) {
            return JSONNumber(validated: literal)
        }
        // PostgreSQL refuses in jsonb what a Double rounds to zero or infinity.
        guard literal.utf8.count <= 400, let value = Double(literal), value.isFinite, value != 0 || !literal.isAwayFromZero else {
            throw error(.malformed, "has a number out of range")
        }
        return JSONNumber(validated: literal)
    }

    private mutating func digits() throws(JSONError) {
        guard let first = peek, isDigit(first) else { throw error(.malformed, "has an unfinished number") }
        while let next = peek, isDigit(next) { position += 1 }
    }

    private mutating func string() throws(JSONError) -> String {
        let start = position + 1
        var end = start
        var allBits: UInt8 = 0
        while end < bytes.count {
            let byte = bytes[end]
            if byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { break }
            allBits |= byte
            end += 1
        }
        position = end
        guard take(UInt8(ascii: "\"")) else { return try stringWithEscapes(from: start) }
        // ASCII is UTF-8: there is nothing to validate.
        if allBits < 0x80 { return unsafe String(copying: UTF8Span(unchecked: bytes.span.extracting(start..<end), isKnownASCII: true)) }
        return try decoded(bytes[start..<end])
    }

    /// Stands behind the plain beginning, from `start` on, of a string that goes on with an escape or cannot go on.
    private mutating func stringWithEscapes(from start: Int) throws(JSONError) -> String {
        var start = start
        var text: [UInt8] = []
        while let byte = peek {
            switch byte {
            case UInt8(ascii: "\""):
                text += bytes[start..<position]
                position += 1
                return try decoded(text[...])
            case UInt8(ascii: "\\"):
                text += bytes[start..<position]
                position += 1
                try escape(into: &text)
                start = position
            case 0..<0x20: throw error(.malformed, "has a control character in a string")
            default: position += 1
            }
        }
        throw error(.malformed, "ends inside a string")
    }

    /// Decoding repairs what is not UTF-8, and the repaired text has other bytes. (`String(validating:as:)` is far slower.)
    private func decoded(_ text: ArraySlice<UInt8>) throws(JSONError) -> String {
        let decoded = String(decoding: text, as: UTF8.self)
        guard decoded.utf8.elementsEqual(text) else { throw error(.invalidText, "has text that is not UTF-8") }
        return decoded
    }

    private mutating func escape(into text: inout [UInt8]) throws(JSONError) {
        guard let byte = peek else { throw error(.malformed, "ends inside a string") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"): text += Array(String(Character(try escapedScalar())).utf8)
        default: throw error(.malformed, "has an unknown escape in a string")
        }
    }

    private mutating func escapedScalar() throws(JSONError) -> Unicode.Scalar {
        let unit = try hexadecimal()
        guard unit != 0 else { throw error(.invalidText, "has a NUL character in a string") }
        if let scalar = Unicode.Scalar(unit) { return scalar }
        // RFC 8259, 7: what is outside the basic plane is written as a pair of surrogates.
        guard unit < 0xDC00, take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else { throw loneSurrogate }
        let low = try hexadecimal()
        guard (0xDC00...0xDFFF).contains(low) else { throw loneSurrogate }
        guard let scalar = Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)) else { throw loneSurrogate }
        return scalar
    }

    private var loneSurrogate: JSONError { error(.invalidText, "has half of a surrogate pair in a string") }

    private mutating func hexadecimal() throws(JSONError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = peek, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw error(.malformed, "has an unfinished escape in a string")
            }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }

    private mutating func word(_ word: StaticString) throws(JSONError) {
        for character in String(describing: word).utf8 {
            guard take(character) else { throw error(.malformed, "has something that is not a value") }
        }
    }

    private mutating func enter(_ depth: Int) throws(JSONError) {
        guard depth <= limits.maximumDepth else { throw error(.tooDeep, "is nested deeper than \(limits.maximumDepth) levels") }
        position += 1
    }

    private mutating func countToken() throws(JSONError) {
        tokens += 1
        guard tokens <= limits.maximumTokens else { throw error(.tooManyTokens, "has more than \(limits.maximumTokens) values and names") }
    }

    private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard peek == byte else { return false }
        position += 1
        return true
    }

    private mutating func skipSpace() {
        while let byte = peek, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    private func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

    private func error(_ code: JSONError.Code, _ detail: String) -> JSONError {
        JSONError(code: code, offset: position, detail: detail)
    }
}

extension String {
    /// A number's text that has a digit other than zero before its exponent, or any exponent of more than three digits.
    fileprivate var isAwayFromZero: Bool {
        let parts = utf8.split(omittingEmptySubsequences: false) { $0 == UInt8(ascii: "e") || $0 == UInt8(ascii: "E") }
        let hasDigit = parts[0].contains { (UInt8(ascii: "1")...UInt8(ascii: "9")).contains($0) }
        return hasDigit || parts.count > 1 && parts[1].count > 4
    }
}

extension JSONValue {
    /// Reads one JSON document. Whoever calls it bounds the number of bytes.
    public init(parsing bytes: [UInt8], limits: JSONLimits = .standard) throws(JSONError) {
        var parser = JSONParser(bytes, limits: limits)
        self = try parser.document()
    }

    public init(parsing text: String, limits: JSONLimits = .standard) throws(JSONError) {
        try self.init(parsing: Array(text.utf8), limits: limits)
    }
}
