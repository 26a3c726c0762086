/// What one deployment demands of ID tokens beyond Google's signature.
package struct FirebaseRules: Sendable, Hashable {
    /// How far the clocks of Google and this machine may be apart.
    package static let skews = Duration.zero...Duration.seconds(60)

    package let projectID: String
    /// `nil`: only tokens without a tenant.
    package let tenant: String?
    /// `nil`: every kind of sign-in but the anonymous one, which never is admitted.
    package let signInProviders: Set<String>?
    package let skew: Duration

    var issuer: String { "https://securetoken.google.com/\(projectID)" }

    /// `skew` lies within `skews`; an empty project id would admit nobody.
    package init(projectID: String, tenant: String? = nil, signInProviders: Set<String>? = nil, skew: Duration = .seconds(30)) {
        precondition(!projectID.isEmpty && Self.skews.contains(skew), "the configuration was not checked")
        self.projectID = projectID
        self.tenant = tenant
        self.signInProviders = signInProviders
        self.skew = skew
    }
}
