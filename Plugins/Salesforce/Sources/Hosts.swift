internal import CRMPluginSDK

/// Which hosts a merchant's input and Salesforce's own answers may name. Nothing else ever sees a credential.
struct Host: Hashable {
    let name: String

    var origin: String { "https://\(name)" }
    /// The two login hosts that serve all orgs.
    var isShared: Bool { self == Self.production || self == Self.sandbox }

    static let production = Host(known: "login.salesforce.com")
    static let sandbox = Host(known: "test.salesforce.com")

    private init(known name: String) { self.name = name }

    /// What a merchant types: `login`, `test`, the label of a My Domain (`acme`, `acme--dev.sandbox`), or the whole host name.
    init?(domain: String) {
        let text = domain.lowercased()
        switch text {
        case "login", "login.salesforce.com": self = .production
        case "test", "test.salesforce.com": self = .sandbox
        case _ where text.hasSuffix(Self.myDomain): self.init(myDomain: text)
        default:
            var labels = text.split(separator: ".", omittingEmptySubsequences: false)
            if labels.count > 1, labels.last == "my" { labels.removeLast() }
            guard labels.count == 1 || (labels.count == 2 && Self.partitions.contains(labels[1])) else { return nil }
            self.init(myDomain: labels.joined(separator: ".") + Self.myDomain)
        }
    }

    /// A URL that Salesforce returned: `serverUrl`, `instance_url`. Only its host is used.
    init?(returnedURL url: String) {
        let scheme = "https://"
        guard url.lowercased().hasPrefix(scheme) else { return nil }
        var authority = url.dropFirst(scheme.count).prefix { $0 != "/" }.lowercased()
        if authority.hasSuffix(":443") { authority.removeLast(4) }
        if let host = Host(myDomain: authority) {
            self = host
        } else if let host = Host(instance: authority) {
            self = host
        } else {
            return nil
        }
    }

    private static let myDomain = ".my.salesforce.com"
    /// Kinds of orgs that have a label of their own in the name.
    private static let partitions: Set<Substring> = ["sandbox", "develop", "scratch", "demo", "trailblaze", "patch", "free"]

    private init?(myDomain text: String) {
        guard text.hasSuffix(Self.myDomain), text.utf8.count <= 253 else { return nil }
        let labels = text.dropLast(Self.myDomain.count).split(separator: ".", omittingEmptySubsequences: false)
        guard !labels.isEmpty, labels.allSatisfy(Self.isLabel) else { return nil }
        name = text
    }

    /// `na139.salesforce.com` of orgs without a My Domain; such a name is also seen with `-api` in it.
    private init?(instance text: String) {
        let suffix = ".salesforce.com"
        guard text.hasSuffix(suffix) else { return nil }
        var label = text.dropLast(suffix.count)
        if label.hasSuffix("-api") { label = label.dropLast(4) }
        let letters = label.utf8.prefix { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) }
        var digits = label.utf8.dropFirst(letters.count)
        if digits.last == UInt8(ascii: "s") { digits = digits.dropLast() }
        guard (2...4).contains(letters.count), (1...5).contains(digits.count), digits.allSatisfy(Self.isDigit) else { return nil }
        name = "\(label)\(suffix)"
    }

    private static func isLabel(_ label: Substring) -> Bool {
        (1...63).contains(label.utf8.count) && !label.hasPrefix("-") && !label.hasSuffix("-")
            && label.utf8.allSatisfy {
                isDigit($0) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || $0 == UInt8(ascii: "-")
            }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}

/// Where calls go: to Salesforce's own hosts, or all of them to the one origin that the operator has put in their place.
struct Origins {
    let replacement: String?

    func login(_ host: Host) -> String { replacement ?? host.origin }

    /// `nil` for an address that is not Salesforce's.
    func instance(_ returnedURL: String) -> String? { replacement ?? Host(returnedURL: returnedURL)?.origin }
}
