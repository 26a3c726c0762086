/// Why bytes are not the JSON that we accept, and where.
public struct JSONError: Error, Hashable, Sendable {
    public enum Code: String, Sendable {
        case malformed
        case invalidText = "invalid_text"
        case duplicateKey = "duplicate_key"
        case tooDeep = "too_deep"
        case tooManyTokens = "too_many_tokens"
    }

    public let code: Code
    /// Bytes before the place.
    public let offset: Int
    /// For people. Holds nothing of the input but the name of a repeated member.
    public let detail: String
}

/// How much structure a parser takes on before it refuses.
public struct JSONLimits: Hashable, Sendable {
    public var maximumDepth: Int
    public var maximumTokens: Int

    public init(maximumDepth: Int, maximumTokens: Int) {
        self.maximumDepth = maximumDepth
        self.maximumTokens = maximumTokens
    }

    public static let standard = JSONLimits(maximumDepth: 64, maximumTokens: 200_000)
}
