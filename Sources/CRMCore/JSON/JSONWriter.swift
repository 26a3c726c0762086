extension JSONValue {
    /// Compact JSON in UTF-8, members in their order.
    public func serialized() -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(1_024)
        write(into: &output)
        return output
    }

    public var text: String { String(decoding: serialized(), as: UTF8.self) }

    /// The same value always gives the same bytes: members sorted by name. For hashes.
    public func canonical() -> [UInt8] { sortingMembers().serialized() }

    private func sortingMembers() -> JSONValue {
        switch self {
        case .array(let elements): .array(elements.map { $0.sortingMembers() })
        case .object(let members):
            .object(
                JSONObject(
                    unique: members.sorted { $0.key < $1.key }.map { JSONObject.Member(key: $0.key, value: $0.value.sortingMembers()) }))
        default: self
        }
    }

    private func write(into output: inout [UInt8]) {
        switch self {
        case .null: output += "null".utf8
        case .bool(let value): output += (value ? "true" : "false").utf8
        case .number(let value): output += value.literal.utf8
        case .string(let value): Self.write(value, into: &output)
        case .array(let elements):
            output.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                element.write(into: &output)
            }
            output.append(UInt8(ascii: "]"))
        case .object(let members):
            output.append(UInt8(ascii: "{"))
            let start = output.count
            members.forEachMember { key, value in
                if output.count > start { output.append(UInt8(ascii: ",")) }
                Self.write(key, into: &output)
                output.append(UInt8(ascii: ":"))
                value.write(into: &output)
            }
            output.append(UInt8(ascii: "}"))
        }
    }

    private static func write(_ text: String, into output: inout [UInt8]) {
        output.append(UInt8(ascii: "\""))
        // Almost all texts are plain, and in one piece.
        let isWritten = unsafe text.utf8.withContiguousStorageIfAvailable { bytes in
            guard unsafe !bytes.contains(where: needsEscape) else { return false }
            unsafe output.append(contentsOf: bytes)
            return true
        }
        if isWritten != true { for byte in text.utf8 { escape(byte, into: &output) } }
        output.append(UInt8(ascii: "\""))
    }

    private static func needsEscape(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
    }

    private static func escape(_ byte: UInt8, into output: inout [UInt8]) {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): output += [UInt8(ascii: "\\"), byte]
        case 0x0A: output += #"\n"#.utf8
        case 0x0D: output += #"\r"#.utf8
        case 0x09: output += #"\t"#.utf8
        case 0..<0x20:
            let digits = Array("0123456789abcdef".utf8)
            output += #"\u00"#.utf8
            output += [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        default: output.append(byte)
        }
    }
}
