import CRMPluginSDK
import Testing

/// Where reading and writing take a short way for what is usual, the long way must come to the same.
@Suite struct JSONTests {
    @Test(arguments: [2, 15, 16, 17, 18, 40]) func aRepeatedNameIsRefusedInObjectsOfEverySize(_ count: Int) throws {
        let members = (0..<count).map { "\"n\($0)\":\($0)" }
        let object = try JSONValue(parsing: "{" + members.joined(separator: ",") + "}")
        #expect(object.objectValue?.keys == (0..<count).map { "n\($0)" })
        for repeated in [0, count - 1] {
            let text = "{" + (members + ["\"n\(repeated)\":0"]).joined(separator: ",") + "}"
            #expect(throws: JSONError.self) { try JSONValue(parsing: text) }
        }
    }

    @Test(arguments: ["", "plain", "sixteen bytes or more of it", "zażółć", "日本", "🙂", "a\u{301}", "q\"b\\s/", "\u{1}\n\t\r\u{7f}"])
    func textComesBackAsItWas(_ text: String) throws {
        let value = JSONValue.object([text: .string(text), "x": 1])
        #expect(try JSONValue(parsing: value.serialized()) == value)
        #expect(try JSONValue(parsing: value.text)["x"] == 1)
    }

    static let notText: [[UInt8]] = [
        [0xFF], [0xC3], [0xC3, 0x28], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xC0, 0x80], [0xEF, 0xBF],
    ]

    @Test(arguments: notText) func whatIsNotUTF8IsRefusedWithAndWithoutEscapes(_ bytes: [UInt8]) {
        for prefix in ["", "a", "\\n"] {
            let text = Array("\"\(prefix)".utf8) + bytes + Array("\"".utf8)
            #expect(throws: JSONError.self) { try JSONValue(parsing: text) }
        }
    }

    @Test func theCharacterThatStandsForWhatCouldNotBeReadIsText() throws {
        #expect(try JSONValue(parsing: "\"\u{FFFD}\"") == "\u{FFFD}")
    }

    @Test(arguments: ["\"abc", "\"abc\\", "\"a\u{1}b\"", "\"a\nb\"", "\"\\n\u{1}\"", "\"\\x\""])
    func anUnfinishedTextIsRefused(_ text: String) {
        #expect(throws: JSONError.self) { try JSONValue(parsing: text) }
    }

    @Test(arguments: ["0", "-0", "0.000", "12345678901234567890123", "1e3", "0e999", "-1.5E-3", "1" + String(repeating: "0", count: 299)])
    func aNumberKeepsItsLiteral(_ literal: String) throws {
        #expect(try JSONValue(parsing: literal).numberValue?.literal == literal)
    }

    @Test(arguments: ["1e400", "1e-400", "1" + String(repeating: "0", count: 309), "0." + String(repeating: "0", count: 340) + "1"])
    func aNumberOutOfRangeIsRefused(_ literal: String) {
        #expect(throws: JSONError.self) { try JSONValue(parsing: literal) }
    }
}
