import CRMCore
import Testing

@Suite struct JSONTests {
    @Test(arguments: [
        #"{"a":1,"b":[true,false,null],"c":{"d":"é😀"}}"#, #"[]"#, #"{}"#, #""\"\\/\b\f\n\r\t""#, #"-0"#, #"1.5e-3"#, #"  [1 , 2]  "#,
        #""😀""#, #"12345678901234567890"#,
    ])
    func readsWhatRFC8259Allows(text: String) throws {
        let value = try JSONValue(parsing: text)
        #expect(try JSONValue(parsing: value.serialized()) == value)
    }

    @Test(
        arguments: [
            ("", .malformed), ("{", .malformed), ("[1,]", .malformed), (#"{"a":1,}"#, .malformed), ("01", .malformed), ("1.", .malformed),
            ("+1", .malformed), ("NaN", .malformed), ("Infinity", .malformed), ("1e999", .malformed), ("1e-99999", .malformed),
            ("0e99999999999", .malformed), ("// c\n1", .malformed),
            ("1 2", .malformed),
            ("'a'", .malformed), (#"{a:1}"#, .malformed), ("\u{FEFF}1", .malformed), ("\"a\nb\"", .malformed), ("tru", .malformed),
            (#"{"a":1,"a":2}"#, .duplicateKey), (#"{"a":1,"\u0061":2}"#, .duplicateKey), (#""\u0000""#, .invalidText),
            (#""\ud800""#, .invalidText), (#""\udc00""#, .invalidText), (#""\ud800\u0041""#, .invalidText), (#""\x""#, .malformed),
        ] as [(String, JSONError.Code)])
    func refusesWhatReadersDisagreeOn(text: String, code: JSONError.Code) {
        #expect(throws: JSONError.self) { try JSONValue(parsing: text) }
        #expect(failure(text)?.code == code)
    }

    @Test func refusesTextThatIsNotUTF8() {
        #expect(throws: JSONError.self) { try JSONValue(parsing: [0x22, 0xC3, 0x28, 0x22]) }
        #expect(throws: JSONError.self) { try JSONValue(parsing: [0x22, 0x00, 0x61, 0x00, 0x22, 0x00]) }
    }

    @Test func stopsAtItsLimits() {
        let limits = JSONLimits(maximumDepth: 3, maximumTokens: 5)
        #expect(failure("[[[1]]]", limits) == nil)
        #expect(failure("[[[[1]]]]", limits)?.code == .tooDeep)
        #expect(failure("[1,2,3,4]", limits) == nil)
        #expect(failure("[1,2,3,4,5]", limits)?.code == .tooManyTokens)
        #expect(failure(String(repeating: "[", count: 1_000_000))?.code == .tooDeep)
    }

    @Test func keepsNumbersAsTheyWereWritten() throws {
        #expect(try JSONValue(parsing: "[1.10,12345678901234567890]").text == "[1.10,12345678901234567890]")
        #expect(JSONNumber(literal: "59.90")?.literal == "59.90")
        #expect(JSONNumber(literal: "59.9.0") == nil)
        #expect(JSONNumber(Double.nan) == nil)
        #expect(try JSONValue(parsing: "1.0").intValue == 1)
        #expect(try JSONValue(parsing: "1.5").intValue == nil)
    }

    @Test func objectsAreOrderedButEqualInAnyOrder() throws {
        let one = try JSONValue(parsing: #"{"b":1,"a":2}"#)
        let other = try JSONValue(parsing: #"{"a":2,"b":1}"#)
        #expect(one == other)
        #expect(one.hashValue == other.hashValue)
        #expect(one.text == #"{"b":1,"a":2}"#)
        #expect(one.canonical() == other.canonical())
    }

    @Test func settingNilRemovesAMember() {
        var object: JSONObject = ["a": 1, "b": 2]
        object["a"] = nil
        object.set("c", nil as String?)
        #expect(object == ["b": 2])
    }

    private func failure(_ text: String, _ limits: JSONLimits = .standard) -> JSONError? {
        do throws(JSONError) {
            _ = try JSONValue(parsing: text, limits: limits)
            return nil
        } catch { return error }
    }
}
