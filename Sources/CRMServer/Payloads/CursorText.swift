internal import CRMCore
internal import FoundationEssentials

/// Cursors as clients carry them: the last row and a signature over it, the merchant, the list and its filter.
struct CursorText {
    let signer: any CursorSigner
    let merchant: MerchantID
    let list: String
    let filter: JSONValue

    func text(_ cursor: PageCursor) -> String {
        let row = Self.bytes(cursor)
        return (row + signature(row)).map(Self.hexadecimal).joined()
    }

    /// `nil` for anything that this service did not sign for this merchant, list and filter.
    func cursor(_ text: String) -> PageCursor? {
        let digits = text.utf8.map(\.hexadecimalDigit)
        guard digits.count > 48, digits.count % 2 == 0, !digits.contains(nil) else { return nil }
        let bytes = stride(from: 0, to: digits.count, by: 2).map { (digits[$0] ?? 0) << 4 | (digits[$0 + 1] ?? 0) }
        let row = Array(bytes.prefix(24))
        let expected = signature(row)
        let given = bytes.dropFirst(24)
        // Every byte is looked at, so that the time taken tells nothing of where a forgery goes wrong.
        guard given.count == expected.count, zip(given, expected).reduce(0, { $0 | $1.0 ^ $1.1 }) == 0 else { return nil }
        let at = row.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return PageCursor(at: Timestamp(microseconds: Int64(bitPattern: at)), id: LogID(UUID(bytes: Array(row.dropFirst(8)))))
    }

    private func signature(_ row: [UInt8]) -> [UInt8] {
        let context: JSONValue = [.string(list), .string(merchant.description), filter]
        return signer.sign(context.serialized() + row)
    }

    private static func bytes(_ cursor: PageCursor) -> [UInt8] {
        let at = UInt64(bitPattern: cursor.at.microseconds)
        return (0..<8).map { UInt8(truncatingIfNeeded: at >> (56 - 8 * UInt64($0))) } + cursor.id.uuid.bytes
    }

    private static func hexadecimal(_ byte: UInt8) -> String {
        let text = String(byte, radix: 16)
        return byte < 16 ? "0" + text : text
    }
}
