import CRMCore
import CRMFakeHost

/// Takes secrets out of what is shown or recorded: by their value wherever it stands, and by the names that secrets go by.
struct Redaction: Sendable {
    private var forms: Set<String> = []
    private static let mark = "[secret]"
    private static let headers: Set<String> = ["authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "bpmcsrf"]
    private static let members: Set<String> = [
        "access_token", "refresh_token", "id_token", "token", "password", "client_secret", "api_key", "session_id", "sessionid",
        "userpassword", "security_token", "assertion", "client_assertion",
    ]

    init(secrets: some Sequence<String>) { for secret in secrets { insert(secret) } }

    /// A value that is shorter would take pieces out of innocent words.
    mutating func insert(_ secret: String) {
        guard secret.utf8.count >= 4 else { return }
        let escaped = JSONValue.string(secret).text
        forms.formUnion([secret, String(escaped.dropFirst().dropLast())])
        // As in a URL, and as in a form.
        for plain in ["-._~", "-._*", "-._"] {
            let encoded = Self.percentEncoded(secret, plain: plain)
            for text in [encoded, Self.withSmallDigits(encoded)] { forms.formUnion([text, text.replacing("%20", with: "+")]) }
        }
        for (quote, apostrophe) in [("\"", "'"), ("&quot;", "'"), ("&quot;", "&apos;"), ("&quot;", "&#39;"), ("\"", "&apos;")] {
            forms.insert(Self.xmlEscaped(secret, quote: quote, apostrophe: apostrophe))
        }
    }

    /// What a provider flags as sensitive is a secret wherever else it stands: a session that a login answered, for example.
    mutating func learn(_ request: FakeHTTP.Request) {
        for header in request.headers where header.isSensitive || Self.headers.contains(header.name.lowercased()) {
            insert(header.value)
            for part in header.value.split(whereSeparator: { " ;,=".contains($0) }) where part.utf8.count >= 12 { insert(String(part)) }
        }
    }

    func text(_ text: String) -> String {
        // The longest first, so that no rest of one stays behind.
        forms.sorted { ($0.utf8.count, $0) > ($1.utf8.count, $1) }.reduce(text) { $0.replacing($1, with: Self.mark) }
    }

    func header(_ name: String, _ value: String, isSensitive: Bool = false) -> String {
        isSensitive || Self.headers.contains(name.lowercased()) ? Self.mark : text(value)
    }

    func json(_ value: JSONValue) -> JSONValue {
        switch value {
        case .string(let text): .string(self.text(text))
        case .array(let elements): .array(elements.map(json))
        case .object(let members):
            .object(
                JSONObject(
                    members.map { name, value in
                        (name, Self.members.contains(name.lowercased()) && value.stringValue != nil ? .string(Self.mark) : json(value))
                    }))
        default: value
        }
    }

    /// JSON where it is JSON, else text; `nil` where there is nothing.
    func body(_ bytes: [UInt8]) -> JSONValue? {
        if bytes.isEmpty { return nil }
        if let value = try? JSONValue(parsing: bytes), value.objectValue != nil || value.arrayValue != nil { return json(value) }
        return .string(Self.withoutNamed(text(String(decoding: bytes, as: UTF8.self))))
    }

    /// Without what secret members of a form or of XML hold, whatever it is.
    private static func withoutNamed(_ text: String) -> String {
        let names = members.sorted().joined(separator: "|")
        let element = #"(<(?:[\w.-]+:)?(?:\#(names))(?:\s[^<>]*)?>)(?:\s*<!\[CDATA\[[\s\S]*?\]\]>\s*|[^<]+)(?=</)"#
        let pair = #"((?:^|[&?\s])(?:\#(names))=)[^&\s<>]+"#
        return [element, pair].reduce(text) { text, pattern in
            guard let regex = try? Regex(pattern, as: (Substring, Substring).self).ignoresCase() else { return mark }
            return text.replacing(regex) { "\($0.output.1)\(mark)" }
        }
    }

    static func percentEncoded(_ text: String, plain: String = "-._~") -> String {
        text.utf8.map { byte in
            let isPlain =
                UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte || UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte
                || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte || plain.utf8.contains(byte)
            return isPlain ? String(UnicodeScalar(byte)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
        }.joined()
    }

    private static func withSmallDigits(_ encoded: String) -> String {
        var text = ""
        var left = 0
        for character in encoded {
            text += left > 0 ? character.lowercased() : String(character)
            left = character == "%" ? 2 : max(0, left - 1)
        }
        return text
    }

    private static func xmlEscaped(_ text: String, quote: String, apostrophe: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;").replacing("\"", with: quote)
            .replacing("'", with: apostrophe)
    }
}
