/// What a shared object says about itself in its program headers, read from bytes without running any of it.
///
/// Only what the dynamic linker uses is read; section headers may be missing. Every number comes from outside, so every read and every sum
/// is bounded.
package struct ELFImage {
    var machine: UInt16 = 0
    var type: UInt16 = 0
    var needed: [String] = []
    var runPaths: [String] = []
    var hasTextRelocations = false
    var hasExecutableStack = true
    /// Names that the dynamic linker would find here.
    var exports: [String] = []
    var notes: [Note] = []
    /// Versions that other libraries have to offer, `GLIBC_2.34`.
    var neededVersions: [String] = []

    struct Note {
        var owner: [UInt8]
        var type: UInt32
        var descriptor: [UInt8]
    }

    /// The bytes are no shared object, or not all of one.
    package struct Malformed: Error {}

    private let bytes: [UInt8]
    private var loads: [(address: UInt64, offset: UInt64, size: UInt64)] = []

    package init(_ bytes: [UInt8]) throws(Malformed) {
        self.bytes = bytes
        // 64 bits, little-endian, version 1.
        guard bytes.count >= 64, bytes.starts(with: [0x7F, 0x45, 0x4C, 0x46, 2, 1, 1]) else { throw Malformed() }
        type = try read(16)
        machine = try read(18)
        let tableOffset: UInt64 = try read(32)
        let entrySize: UInt16 = try read(54)
        let entryCount: UInt16 = try read(56)
        guard entrySize == 56, entryCount > 0 else { throw Malformed() }
        try checkSectionTable()

        var dynamic: (offset: UInt64, size: UInt64)?
        for index in 0..<UInt64(entryCount) {
            let header = try sum(tableOffset, index * 56)
            let kind: UInt32 = try read(header)
            let flags: UInt32 = try read(try sum(header, 4))
            let offset: UInt64 = try read(try sum(header, 8))
            let address: UInt64 = try read(try sum(header, 16))
            let size: UInt64 = try read(try sum(header, 32))
            // What is mapped but not in the file kills whoever touches it, with SIGBUS.
            if kind != 0 && size > 0 { _ = try sum(offset, size) }
            switch kind {
            case 1: loads.append((address, offset, size))  // PT_LOAD
            case 2: dynamic = (offset, size)  // PT_DYNAMIC
            case 4: try readNotes(offset, size)  // PT_NOTE
            case 0x6474_E551: hasExecutableStack = flags & 1 != 0  // PT_GNU_STACK
            default: break
            }
        }
        guard let dynamic else { throw Malformed() }
        try readDynamic(dynamic.offset, dynamic.size)
    }

    // MARK: Parts

    /// Nothing here reads the section headers; but they stand behind all else, so that a copy still under way has not got them yet.
    private func checkSectionTable() throws(Malformed) {
        let offset: UInt64 = try read(40)
        let entrySize: UInt16 = try read(58)
        let entryCount: UInt16 = try read(60)
        _ = try sum(offset, UInt64(entrySize) * UInt64(entryCount))
    }

    private mutating func readNotes(_ offset: UInt64, _ size: UInt64) throws(Malformed) {
        var place = offset
        let end = try sum(offset, size)
        while place + 12 <= end {
            let ownerSize: UInt32 = try read(place)
            let descriptorSize: UInt32 = try read(try sum(place, 4))
            let type: UInt32 = try read(try sum(place, 8))
            let owner = try slice(try sum(place, 12), UInt64(ownerSize))
            let descriptorPlace = try sum(place, 12 + UInt64(ownerSize).roundedUp(to: 4))
            let descriptor = try slice(descriptorPlace, UInt64(descriptorSize))
            notes.append(Note(owner: owner, type: type, descriptor: descriptor))
            place = try sum(descriptorPlace, UInt64(descriptorSize).roundedUp(to: 4))
        }
    }

    private mutating func readDynamic(_ offset: UInt64, _ size: UInt64) throws(Malformed) {
        var values: [Int64: UInt64] = [:]
        var neededOffsets: [UInt64] = []
        var pathOffsets: [UInt64] = []
        var place = offset
        let end = try sum(offset, size)
        while place + 16 <= end {
            let tag = Int64(bitPattern: try read(place) as UInt64)
            let value: UInt64 = try read(try sum(place, 8))
            if tag == 0 { break }
            switch tag {
            case 1: neededOffsets.append(value)  // DT_NEEDED
            case 15, 29: pathOffsets.append(value)  // DT_RPATH, DT_RUNPATH
            default: values[tag] = value
            }
            place += 16
        }
        hasTextRelocations = values[22] != nil || (values[30] ?? 0) & 4 != 0  // DT_TEXTREL, DF_TEXTREL

        guard let stringAddress = values[5], let symbolAddress = values[6] else { throw Malformed() }  // DT_STRTAB, DT_SYMTAB
        let strings = try fileOffset(stringAddress)
        let symbols = try fileOffset(symbolAddress)
        for place in neededOffsets { needed.append(try string(try sum(strings, place))) }
        if let address = values[0x6FFF_FFFE] {  // DT_VERNEED
            try readNeededVersions(try fileOffset(address), count: values[0x6FFF_FFFF] ?? 0, strings: strings)
        }
        for place in pathOffsets { runPaths.append(try string(try sum(strings, place))) }

        for index in try findableSymbols(values) {
            let symbol = try sum(symbols, index * 24)
            let info: UInt8 = try read(try sum(symbol, 4))
            let visibility: UInt8 = try read(try sum(symbol, 5)) & 3
            let section: UInt16 = try read(try sum(symbol, 6))
            let isBound = [1, 2, 10].contains(info >> 4)  // global, weak, unique
            let isVisible = visibility == 0 || visibility == 3  // default, protected
            if section != 0 && isBound && isVisible {
                let name: UInt32 = try read(symbol)
                exports.append(try string(try sum(strings, UInt64(name))))
            }
        }
    }

    /// Two nested lists whose links are distances: bounded by the count of the file's bytes, since they may lead in a ring.
    private mutating func readNeededVersions(_ start: UInt64, count: UInt64, strings: UInt64) throws(Malformed) {
        var budget = bytes.count / 16
        var library = start
        for _ in 0..<min(count, UInt64(bytes.count / 16)) {
            let versionCount: UInt16 = try read(try sum(library, 2))
            let first: UInt32 = try read(try sum(library, 8))
            let next: UInt32 = try read(try sum(library, 12))
            var version = try sum(library, UInt64(first))
            for _ in 0..<versionCount {
                budget -= 1
                guard budget > 0 else { throw Malformed() }
                let name: UInt32 = try read(try sum(version, 8))
                let step: UInt32 = try read(try sum(version, 12))
                neededVersions.append(try string(try sum(strings, UInt64(name))))
                if step == 0 { break }
                version = try sum(version, UInt64(step))
            }
            if next == 0 { break }
            library = try sum(library, UInt64(next))
        }
    }

    /// The indices that look-ups by name can reach, from the hash table that they use.
    private func findableSymbols(_ values: [Int64: UInt64]) throws(Malformed) -> Range<UInt64> {
        if let address = values[0x6FFF_FEF5] {  // DT_GNU_HASH
            let table = try fileOffset(address)
            let bucketCount: UInt32 = try read(table)
            let first: UInt32 = try read(try sum(table, 4))
            let bloomSize: UInt32 = try read(try sum(table, 8))
            let buckets = try sum(table, 16 + UInt64(bloomSize) * 8)
            let chains = try sum(buckets, UInt64(bucketCount) * 4)
            var start: UInt32 = 0
            for index in 0..<UInt64(bucketCount) { start = max(start, try read(try sum(buckets, index * 4))) }
            guard start >= first, start > 0 else { return 0..<0 }
            var last = UInt64(start)
            // The last link of a chain is marked.
            while true {
                let link: UInt32 = try read(try sum(chains, (last - UInt64(first)) * 4))
                if link & 1 != 0 { break }
                last += 1
            }
            return UInt64(first)..<last + 1
        }
        guard let address = values[4] else { throw Malformed() }  // DT_HASH
        let count: UInt32 = try read(try sum(try fileOffset(address), 4))
        guard UInt64(count) * 24 <= UInt64(bytes.count) else { throw Malformed() }
        return 0..<UInt64(count)
    }

    // MARK: Bytes

    private func fileOffset(_ address: UInt64) throws(Malformed) -> UInt64 {
        guard let load = loads.first(where: { address >= $0.address && address - $0.address < $0.size }) else { throw Malformed() }
        return try sum(load.offset, address - load.address)
    }

    private func sum(_ left: UInt64, _ right: UInt64) throws(Malformed) -> UInt64 {
        let (result, overflow) = left.addingReportingOverflow(right)
        guard !overflow, result <= UInt64(bytes.count) else { throw Malformed() }
        return result
    }

    private func slice(_ offset: UInt64, _ count: UInt64) throws(Malformed) -> [UInt8] {
        let end = try sum(offset, count)
        return Array(bytes[Int(offset)..<Int(end)])
    }

    private func read<Number: FixedWidthInteger>(_ offset: UInt64) throws(Malformed) -> Number {
        let size = MemoryLayout<Number>.size
        guard try sum(offset, UInt64(size)) <= UInt64(bytes.count) else { throw Malformed() }
        return bytes.withUnsafeBytes { Number(littleEndian: $0.loadUnaligned(fromByteOffset: Int(offset), as: Number.self)) }
    }

    private func string(_ offset: UInt64) throws(Malformed) -> String {
        let rest = bytes[Int(offset)...]
        guard let end = rest.firstIndex(of: 0) else { throw Malformed() }
        return String(decoding: rest[..<end], as: UTF8.self)
    }
}

extension UInt64 {
    fileprivate func roundedUp(to multiple: UInt64) -> UInt64 { (self + multiple - 1) / multiple * multiple }
}
