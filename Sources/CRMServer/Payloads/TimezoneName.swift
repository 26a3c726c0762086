internal import FoundationEssentials

/// Whether this names a time zone of IANA's database: it has the form of a name and the system knows it.
func isTimezone(_ name: String) -> Bool {
    guard (1...64).contains(name.utf8.count), !name.contains(".."), !name.hasPrefix("/"), name.utf8.allSatisfy(isNameCharacter) else {
        return false
    }
    // A form such as `GMT+3` is understood by some systems and not by others.
    return (name == "UTC" || name.contains("/")) && TimeZone(identifier: name) != nil
}

private func isNameCharacter(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
        UInt8(ascii: "/"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "+"):
        true
    default: false
    }
}
