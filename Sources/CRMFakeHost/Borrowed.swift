package import CRMPluginAPI

extension crm_str {
    /// A copy that outlives the call; what is not UTF-8 in it is replaced.
    package var copied: String { String(decoding: buffer, as: UTF8.self) }
    var copiedBytes: [UInt8] { Array(buffer) }
    var isText: Bool { String(validating: buffer, as: UTF8.self) != nil }

    private var buffer: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: ptr, count: ptr == nil ? 0 : len) }
}

extension crm_bytes {
    /// A copy that outlives the call.
    package var copied: [UInt8] { Array(UnsafeRawBufferPointer(start: ptr, count: ptr == nil ? 0 : len)) }
}

extension [UInt8] {
    var isText: Bool { String(validating: self, as: UTF8.self) != nil }
    var text: String { String(decoding: self, as: UTF8.self) }
}

/// Bytes laid out one after another in memory that is lent for one call and overwritten after it: who kept a pointer reads rubbish.
struct LentMemory {
    private let memory: UnsafeMutableRawBufferPointer
    private var end = 0

    private init(count: Int) { memory = .allocate(byteCount: max(1, count), alignment: 8) }

    /// `parts` are what `place` will be called with, in any order.
    static func lend<Result>(_ parts: [[UInt8]], _ use: (inout LentMemory) -> Result) -> Result {
        var lent = LentMemory(count: parts.reduce(0) { $0 + $1.count })
        defer {
            for index in lent.memory.indices { lent.memory[index] = UInt8(ascii: "#") }
            lent.memory.deallocate()
        }
        return use(&lent)
    }

    mutating func text(_ bytes: [UInt8]) -> crm_str {
        let place = place(bytes)
        return crm_str(ptr: place.map { UnsafePointer($0.assumingMemoryBound(to: CChar.self)) }, len: bytes.count)
    }

    mutating func bytes(_ bytes: [UInt8]) -> crm_bytes {
        let place = place(bytes)
        return crm_bytes(ptr: place.map { UnsafePointer($0.assumingMemoryBound(to: UInt8.self)) }, len: bytes.count)
    }

    private mutating func place(_ bytes: [UInt8]) -> UnsafeMutableRawPointer? {
        let target = UnsafeMutableRawBufferPointer(rebasing: memory[end..<end + bytes.count])
        target.copyBytes(from: bytes)
        end += bytes.count
        return target.baseAddress
    }
}
