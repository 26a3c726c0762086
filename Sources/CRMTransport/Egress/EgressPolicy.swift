/// What one provider entry may reach: names before the call, addresses when the connection is made.
package struct EgressPolicy: Hashable, Sendable {
    private let rules: [EgressRule]
    /// Public all the same, and not to be reached: our own, the database's.
    private let refused: Set<IPAddress>

    /// Each line of `allow` is `host:443`, `*.suffix:443` (names below the suffix, on label borders), or an origin with its scheme.
    /// Origins are for development: they are refused without `allowsLoopbackOrigins`, and with it may be plain HTTP and on loopback.
    ///
    /// `refusing` adds to the addresses that are not public; this machine's own are always among them.
    package init(
        allow: [String], allowsLoopbackOrigins: Bool = false, refusing addresses: [IPAddress] = []
    ) throws(EgressRuleError) {
        var rules: [EgressRule] = []
        for text in allow { rules.append(try EgressRule(text, allowsOrigins: allowsLoopbackOrigins)) }
        self.rules = rules
        refused = IPAddress.ofThisMachine.filter(\.isPublic).union(addresses)
    }

    /// Which addresses a target's name may turn out to have.
    enum Reach: Sendable {
        case publicAddresses
        case publicAddressesAndLoopback
    }

    /// Asked of every address before a connection to it is tried.
    func permits(_ address: IPAddress, within reach: Reach) -> Bool {
        if reach == .publicAddressesAndLoopback && address.isLoopback { return true }
        return address.isPublic && !refused.contains(address)
    }

    /// `nil`: the target is refused.
    func reach(of target: Origin) -> Reach? {
        let covering = rules.filter { $0.covers(target) }
        if covering.contains(where: { if case .origin = $0.hosts { true } else { false } }) { return .publicAddressesAndLoopback }
        guard !covering.isEmpty, target.scheme == "https", HostName.isPublic(target.host) else { return nil }
        return .publicAddresses
    }

    /// Whether a URL passes all rules that need no resolver.
    package func permits(_ url: String) -> Bool {
        guard let target = TargetURL(url) else { return false }
        return reach(of: target.origin) != nil
    }
}
