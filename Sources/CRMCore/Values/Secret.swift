internal import Glibc

/// Bytes that must not be shown: they are wiped when the last owner lets go, and print as `<redacted>`.
@safe package final class Secret: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    // Never written after `init`, so that sharing between threads is safe.
    private nonisolated(unsafe) let storage: UnsafeMutableRawBufferPointer

    package init(_ bytes: some Collection<UInt8>) {
        unsafe storage = .allocate(byteCount: bytes.count, alignment: 1)
        unsafe storage.copyBytes(from: bytes)
    }

    package convenience init(_ text: String) { self.init(Array(text.utf8)) }

    deinit {
        unsafe wipe(storage)
        unsafe storage.deallocate()
    }

    package var count: Int { unsafe storage.count }

    /// Lends a copy of the bytes, wiped when the call ends. Whoever keeps it, keeps a secret.
    package func withBytes<Result, Failure: Error>(_ body: ([UInt8]) throws(Failure) -> Result) throws(Failure) -> Result {
        var copy = unsafe [UInt8](storage)
        defer { unsafe copy.withUnsafeMutableBytes { memory in unsafe wipe(memory) } }
        return try body(copy)
    }

    package var description: String { "<redacted>" }
    package var debugDescription: String { "<redacted>" }
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// A plain loop before a free may be optimised away; `explicit_bzero` may not.
private func wipe(_ memory: UnsafeMutableRawBufferPointer) {
    if let start = memory.baseAddress { unsafe explicit_bzero(start, memory.count) }
}
