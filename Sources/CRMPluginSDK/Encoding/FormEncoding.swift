/// The body of an HTML form, `application/x-www-form-urlencoded`, as OAuth's token endpoints take it.
public enum FormEncoding {
    public static let mediaType = "application/x-www-form-urlencoded"

    public static func encode(_ fields: KeyValuePairs<String, String>) -> [UInt8] {
        var body: [UInt8] = []
        for (index, field) in fields.enumerated() {
            if index > 0 { body.append(UInt8(ascii: "&")) }
            append(field.key, to: &body)
            body.append(UInt8(ascii: "="))
            append(field.value, to: &body)
        }
        return body
    }

    private static func append(_ text: String, to body: inout [UInt8]) {
        let start = body.count
        PercentEncoding.append(text, to: &body) { byte in byte == UInt8(ascii: " ") || isKept(byte) }
        for index in start..<body.count where body[index] == UInt8(ascii: " ") { body[index] = UInt8(ascii: "+") }
    }

    private static func isKept(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "*"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"): true
        default: PercentEncoding.isAlphanumeric(byte)
        }
    }
}
