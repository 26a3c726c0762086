/// One line of `egress.allow`.
struct EgressRule: Hashable, Sendable {
    enum Hosts: Hashable, Sendable {
        case exactly(String)
        /// Names that end in this, which begins with a dot.
        case below(String)
        /// An origin written with its scheme, which is let off the rules of scheme, port and address.
        case origin(Origin)
    }

    let hosts: Hosts
    let port: Int
}

/// Scheme, host and port of a URL, in lower case.
struct Origin: Hashable, Sendable {
    let scheme: String
    let host: String
    let port: Int
}

/// A line of `egress.allow` that cannot be a rule.
package struct EgressRuleError: Error, Hashable, CustomStringConvertible {
    package let rule: String
    package let reason: String

    package var description: String { "\"\(rule)\": \(reason)" }
}

extension EgressRule {
    private static let tlsPorts: Set<Int> = [443, 8443]

    init(_ text: String, allowsOrigins: Bool) throws(EgressRuleError) {
        func refuse(_ reason: String) -> EgressRuleError { EgressRuleError(rule: text, reason: reason) }

        if text.contains("://") {
            guard allowsOrigins else {
                throw refuse("an origin with a scheme is allowed only with CRM_ENV=development; write host:443")
            }
            guard let origin = Origin(text) else { throw refuse("expected http://host:port or https://host:port, without a path") }
            self.init(hosts: .origin(origin), port: origin.port)
            return
        }

        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count <= 2, let name = parts.first else { throw refuse("expected host:443 or *.suffix:443") }
        let port = parts.count == 2 ? Int(parts[1]) : 443
        guard let port, Self.tlsPorts.contains(port) else { throw refuse("the port must be 443 or 8443") }

        let host = name.lowercased()
        if host.hasPrefix("*.") {
            guard HostName.isPublic(String(host.dropFirst(2))) else {
                throw refuse("what follows *. must be a public domain of two labels or more")
            }
            self.init(hosts: .below(String(host.dropFirst())), port: port)
        } else {
            guard HostName.isPublic(host) else { throw refuse("the host must be a public name, not an address or a local name") }
            self.init(hosts: .exactly(host), port: port)
        }
    }

    func covers(_ target: Origin) -> Bool {
        switch hosts {
        case .exactly(let host): target.host == host && target.port == port
        case .below(let suffix): target.host.hasSuffix(suffix) && target.host.utf8.count > suffix.utf8.count && target.port == port
        case .origin(let origin): target == origin
        }
    }
}

extension Origin {
    /// `http://127.0.0.1:8003`; a slash at the end is forgiven.
    init?(_ text: String) {
        let trimmed = text.hasSuffix("/") ? String(text.dropLast()) : text
        guard let url = TargetURL(trimmed), trimmed.utf8.count == url.origin.scheme.utf8.count + 3 + url.authority.utf8.count else {
            return nil
        }
        self = url.origin
    }
}
