internal import CRMPluginSDK

/// The query for the one profile that has a value in an identifying field.
struct ProfilePage {
    /// Klaviyo leaves consent out unless it is asked for.
    static let additionalFields = "\(PercentEncoding.encode("additional-fields[profile]"))=subscriptions"

    let field: String
    let value: String

    var query: String {
        // A value in a filter is a JSON string: quotes and backslashes inside it stay part of the value.
        let filter = "equals(\(field),\(JSONValue.string(value).text))"
        return "\(Self.additionalFields)&filter=\(PercentEncoding.encode(filter))&\(PercentEncoding.encode("page[size]"))=1"
    }
}

/// RFC 3986, 2.1: everything but unreserved characters, so that a value can leave neither its segment nor its parameter.
enum PercentEncoding {
    static func encode(_ text: String) -> String {
        var encoded: [UInt8] = []
        for byte in text.utf8 {
            if isUnreserved(byte) {
                encoded.append(byte)
            } else {
                encoded += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }

    private static let digits = Array("0123456789ABCDEF".utf8)

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
            true
        default: false
        }
    }
}
