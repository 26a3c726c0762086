internal import CRMPluginSDK

/// The addresses of one merchant's Creatio.
struct Site: Sendable {
    /// Without a slash at its end; the login and the OData service are below it.
    let base: String
    /// Where tokens are issued; `nil` when it can neither be derived nor was given.
    let identity: String?
    /// What the merchant typed, in its normal form: the account's id.
    let name: String
    let address: String

    /// `replacement` takes the place of every host; what the merchant typed is checked all the same.
    init(_ credentials: JSONObject, replacement: String?) throws(CRMError) {
        guard let typed = credentials["instance_url"]?.stringValue, let instance = SiteAddress(typed), !instance.isNoTenant else {
            throw CRMError.malformed(
                "instance_url", "must be the address of a Creatio site, such as https://acme.creatio.com, and nothing after its path")
        }
        var identity = instance.derivedIdentity
        if let typed = credentials["identity_url"]?.stringValue, !typed.isEmpty {
            guard let address = SiteAddress(typed), !address.isNoTenant else {
                throw CRMError.malformed("identity_url", "must be the address of an Identity Service, such as https://acme-is.creatio.com")
            }
            identity = address.text
        }
        base = replacement ?? instance.text
        self.identity = replacement ?? identity
        name = instance.authority + instance.path
        address = instance.text
    }
}

/// An address that a merchant typed: `https`, a host, perhaps a port and a path, and nothing else that an address can hold.
struct SiteAddress: Sendable, Hashable {
    let host: String
    /// `nil`: 443.
    let port: UInt16?
    let path: String

    /// `nil` when the text is no such address. Whether it may be reached is not asked here.
    init?(_ text: String) {
        guard text.utf8.count <= 500, text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else { return nil }
        guard text.prefix(8).lowercased() == "https://" else { return nil }
        let rest = text.dropFirst(8)
        let authority = rest.prefix { $0 != "/" }
        let parts = authority.split(separator: ":", omittingEmptySubsequences: false)
        guard let name = parts.first.map({ $0.lowercased() }), parts.count <= 2, Self.isHost(name) else { return nil }
        host = name
        switch parts.count == 2 ? parts[1] : "443" {
        case "443": port = nil
        case let digits:
            guard let number = UInt16(digits), number > 0, digits.utf8.allSatisfy(Self.isDigit) else { return nil }
            port = number
        }
        var path = rest.dropFirst(authority.count)
        while path.hasSuffix("/") { path.removeLast() }
        guard Self.isPath(path) else { return nil }
        self.path = String(path)
    }

    var authority: String { port.map { "\(host):\($0)" } ?? host }
    var text: String { "https://\(authority)\(path)" }

    /// Creatio's own pages under the domain of its customers' sites, which have one label each.
    var isNoTenant: Bool {
        if host == "creatio.com" { return true }
        guard host.hasSuffix(".creatio.com") else { return false }
        let labels = host.dropLast(".creatio.com".count)
        return labels.contains(".") || ["www", "academy", "community", "marketplace"].contains(labels)
    }

    /// In the cloud the Identity Service stands beside the site: `acme-is` for `acme`.
    var derivedIdentity: String? {
        guard host.hasSuffix(".creatio.com"), let label = host.split(separator: ".").first else { return nil }
        return "https://\(label)-is\(authority.dropFirst(label.count))"
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private static func isLetter(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) }

    private static func isHost(_ name: String) -> Bool {
        let labels = name.split(separator: ".", omittingEmptySubsequences: false)
        return name.utf8.count <= 253 && labels.count > 1
            && labels.allSatisfy { label in
                (1...63).contains(label.utf8.count) && !label.hasPrefix("-") && !label.hasSuffix("-")
                    && label.utf8.allSatisfy { isLetter($0) || isDigit($0) || $0 == UInt8(ascii: "-") }
            }
    }

    /// Empty or `/one/two`: no segment that leads elsewhere, and nothing that would have to be decoded.
    private static func isPath(_ path: Substring) -> Bool {
        if path.isEmpty { return true }
        return path.split(separator: "/", omittingEmptySubsequences: false).dropFirst().allSatisfy { segment in
            !segment.isEmpty && segment != "." && segment != ".."
                && segment.utf8.allSatisfy { isLetter($0) || isDigit($0) || "-._~".utf8.contains($0) }
        }
    }
}
