/// Text in which a star stands for any text.
struct Wildcard: Sendable, Hashable {
    let pattern: String

    init(_ pattern: String) { self.pattern = pattern }

    func matches(_ text: String) -> Bool {
        let (pattern, text) = (Array(pattern.utf8), Array(text.utf8))
        var (place, position) = (0, 0)
        // Where the last star stood, and how much of the text it has swallowed so far.
        var star: (place: Int, position: Int)?
        while position < text.count {
            if place < pattern.count, pattern[place] == UInt8(ascii: "*") {
                star = (place, position)
                place += 1
            } else if place < pattern.count, pattern[place] == text[position] {
                place += 1
                position += 1
            } else if let last = star {
                star = (last.place, last.position + 1)
                (place, position) = (last.place + 1, last.position + 1)
            } else {
                return false
            }
        }
        return pattern[place...].allSatisfy { $0 == UInt8(ascii: "*") }
    }

    /// As the pattern of a URL: a path stands for every URL that ends with it, and a query counts only where the pattern has one.
    func matches(url: String) -> Bool {
        let bare = pattern.contains("?") ? url : String(url.prefix { $0 != "?" })
        return Wildcard(pattern.contains("://") ? pattern : "*" + pattern).matches(bare)
    }
}
