internal import CRMPluginAPI

/// Texts laid out one after another, so that one pointer lends all of them for the duration of a call.
struct BorrowedTexts {
    private(set) var storage: [UInt8] = []

    init(capacity: Int = 64) { storage.reserveCapacity(capacity) }

    mutating func append(_ bytes: [UInt8]) -> Range<Int> {
        let start = storage.count
        storage += bytes
        return start..<storage.count
    }

    mutating func append(_ text: String.UTF8View) -> Range<Int> {
        let start = storage.count
        // In one piece, as almost all texts are, it is copied far faster than as a sequence.
        if text.withContiguousStorageIfAvailable({ storage.append(contentsOf: $0) }) == nil { storage += text }
        return start..<storage.count
    }
}

extension UnsafeRawBufferPointer {
    func text(_ range: Range<Int>) -> crm_str {
        crm_str(ptr: baseAddress.map { ($0 + range.lowerBound).assumingMemoryBound(to: CChar.self) }, len: range.count)
    }

    func bytes(_ range: Range<Int>) -> crm_bytes {
        crm_bytes(ptr: baseAddress.map { ($0 + range.lowerBound).assumingMemoryBound(to: UInt8.self) }, len: range.count)
    }
}

extension crm_str {
    /// A copy that outlives the call.
    var copy: String {
        String(decoding: UnsafeRawBufferPointer(start: ptr, count: ptr == nil ? 0 : len), as: UTF8.self)
    }

    /// Text that stays in memory for as long as the process lives.
    static func permanent(_ text: String) -> crm_str {
        let bytes = crm_bytes.permanent(Array(text.utf8))
        return crm_str(ptr: bytes.ptr.map { UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self) }, len: bytes.len)
    }
}

extension crm_bytes {
    var copy: [UInt8] { Array(UnsafeRawBufferPointer(start: ptr, count: ptr == nil ? 0 : len)) }

    static func permanent(_ bytes: [UInt8]) -> crm_bytes {
        let memory = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: bytes.count)
        _ = memory.initialize(fromContentsOf: bytes)
        return crm_bytes(ptr: UnsafePointer(memory.baseAddress), len: bytes.count)
    }
}
