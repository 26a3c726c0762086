internal import CRMCore
internal import FoundationEssentials

/// Cursors as clients carry them: what tells the last row, of at most 255 bytes, and a signature over it, the merchant, the list and its
/// filter.
struct CursorText {
    let signer: any CursorSigner
    let merchant: MerchantID
    let list: String
    let filter: JSONValue

    func text(_ row: [UInt8]) -> String {
        ([UInt8(row.count)] + row + signature(row)).map(Self.hexadecimal).joined()
    }

    /// `nil` for anything that this service did not sign for this merchant, list and filter.
    func row(_ text: String) -> [UInt8]? {
        let digits = text.utf8.map(\.hexadecimalDigit)
        guard !digits.isEmpty, digits.count % 2 == 0, !digits.contains(nil) else { return nil }
        let bytes = stride(from: 0, to: digits.count, by: 2).map { (digits[$0] ?? 0) << 4 | (digits[$0 + 1] ?? 0) }
        let row = Array(bytes.dropFirst().prefix(Int(bytes[0])))
        let expected = signature(row)
        let given = bytes.dropFirst(1 + row.count)
        // Every byte is looked at, so that the time taken tells nothing of where a forgery goes wrong.
        guard given.count == expected.count, zip(given, expected).reduce(0, { $0 | $1.0 ^ $1.1 }) == 0 else { return nil }
        return row
    }

    private func signature(_ row: [UInt8]) -> [UInt8] {
        let context: JSONValue = [.string(list), .string(merchant.description), filter]
        return signer.sign(context.serialized() + row)
    }

    private static func hexadecimal(_ byte: UInt8) -> String {
        let text = String(byte, radix: 16)
        return byte < 16 ? "0" + text : text
    }
}

extension PageCursor {
    var row: [UInt8] {
        let at = UInt64(bitPattern: at.microseconds)
        return (0..<8).map { UInt8(truncatingIfNeeded: at >> (56 - 8 * UInt64($0))) } + id.uuid.bytes
    }

    init?(row: [UInt8]) {
        guard row.count == 24 else { return nil }
        let at = row.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        self.init(at: Timestamp(microseconds: Int64(bitPattern: at)), id: LogID(UUID(bytes: Array(row.dropFirst(8)))))
    }
}
