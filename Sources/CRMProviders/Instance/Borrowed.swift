import CRMPluginAPI

// What crosses the ABI is borrowed for the call: here it is copied, and here our own bytes are lent.

func borrowedBytes(_ value: crm_bytes) -> [UInt8] {
    value.ptr.map { Array(UnsafeBufferPointer(start: $0, count: value.len)) } ?? []
}

func borrowedBytes(_ value: crm_str, limit: Int = .max) -> [UInt8] {
    value.ptr.map { Array(UnsafeRawBufferPointer(start: $0, count: min(value.len, limit))) } ?? []
}

/// Bytes that are not UTF-8 are replaced, and what is longer is cut between two characters.
func borrowedText(_ value: crm_str, limit: Int = .max) -> String {
    guard let start = value.ptr else { return "" }
    let bytes = UnsafeRawBufferPointer(start: start, count: value.len)
    var count = min(bytes.count, limit)
    if count < bytes.count {
        for _ in 0..<3 where count > 0 && UTF8.isContinuation(bytes[count]) { count -= 1 }
    }
    return String(decoding: bytes.prefix(count), as: UTF8.self)
}

func borrowedText(_ value: crm_bytes) -> String {
    value.ptr.map { String(decoding: UnsafeBufferPointer(start: $0, count: value.len), as: UTF8.self) } ?? ""
}

/// Strings and byte ranges in one block of memory, lent to the other side until `withPointers` returns.
struct Loan {
    private var bytes: [UInt8] = []

    struct Piece {
        fileprivate let offset: Int
        fileprivate let count: Int
    }

    mutating func add(_ text: String) -> Piece { add(Array(text.utf8)) }

    mutating func add(_ content: [UInt8]) -> Piece {
        defer { bytes += content }
        return Piece(offset: bytes.count, count: content.count)
    }

    func withPointers<Result>(_ body: (Pointers) -> Result) -> Result {
        bytes.withUnsafeBufferPointer { body(Pointers(base: $0.baseAddress)) }
    }

    struct Pointers {
        fileprivate let base: UnsafePointer<UInt8>?

        func bytes(_ piece: Piece) -> crm_bytes { crm_bytes(ptr: base.map { $0 + piece.offset }, len: piece.count) }

        func string(_ piece: Piece) -> crm_str {
            crm_str(ptr: base.map { UnsafeRawPointer($0 + piece.offset).assumingMemoryBound(to: CChar.self) }, len: piece.count)
        }
    }
}
