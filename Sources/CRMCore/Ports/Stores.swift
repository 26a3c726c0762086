/// Merchants and their users.
package protocol MerchantStore: Sendable {
    /// The merchant of a Firebase user.
    func merchant(ofUser uid: String) async throws(StoreError) -> Merchant?

    /// Makes the merchant of this user unless there is one; notes the login.
    func bootstrap(
        _ identity: VerifiedIdentity, profile: ProfileChange, _ context: RequestContext
    ) async throws(StoreError) -> (merchant: Merchant, created: Bool)

    /// One login row for a new session; nothing for one that is known.
    func noteSession(of merchant: MerchantID, _ identity: VerifiedIdentity, _ context: RequestContext) async throws(StoreError)

    func update(
        _ merchant: MerchantID, _ change: ProfileChange, _ context: RequestContext
    ) async throws(StoreError) -> Merchant?
}

/// Connections with their encrypted credentials.
package protocol ConnectionStore: Sendable {
    func integrations(of merchant: MerchantID) async throws(StoreError) -> [Integration]

    /// Stores or replaces a connection; the id is kept when there was one.
    func connect(
        _ connection: NewConnection, _ context: RequestContext
    ) async throws(StoreError) -> (integration: Integration, created: Bool)

    /// Changes a connection without its credentials. `nil`: not connected; `conflict` when its settings are no longer those that the new
    /// ones were made from.
    func change(
        _ merchant: MerchantID, _ type: CRMType, _ change: ConnectionChange, _ context: RequestContext
    ) async throws(StoreError) -> Integration?

    /// `nil`: not connected.
    func integration(_ merchant: MerchantID, _ type: CRMType) async throws(StoreError) -> Integration?

    /// Destroys the credentials; whoever is sending notices within seconds. Pending deliveries end, each with a log row: a thousand at
    /// once, the rest of a long queue by whoever delivers. `cancelled` counts them all, up to a million. `nil`: not connected.
    func disconnect(
        _ merchant: MerchantID, _ type: CRMType, _ context: RequestContext
    ) async throws(StoreError) -> (at: Timestamp, cancelled: Int)?

    /// `nil`: not connected.
    func status(_ merchant: MerchantID, _ type: CRMType) async throws(StoreError) -> ConnectionStatus?

    /// Decrypts. `nil`: not connected.
    func open(_ merchant: MerchantID, _ type: CRMType) async throws(StoreError) -> OpenedConnection?

    /// Stores rotated credentials under the version that was read; `conflict` when somebody wrote meanwhile.
    func replaceCredentials(
        of integration: Integration, with credentials: Secret
    ) async throws(StoreError)
}

/// Acceptance of deliveries, and what became of them.
package protocol DeliveryStore: Sendable {
    /// Commits all of it or nothing; returns after the commit.
    ///
    /// Without items nothing is stored: a known Idempotency-Key is answered as ever, and an unknown one, or none, with no deliveries, which
    /// no stored answer is.
    func accept(_ request: AcceptRequest) async throws(StoreError) -> AcceptAnswer

    func delivery(_ merchant: MerchantID, _ id: DeliveryID) async throws(StoreError) -> Delivery?
}

/// The log of operations against CRMs.
package protocol SyncLogStore: Sendable {
    /// Writes the row of a validation or a read. Deliveries write theirs with their outcome.
    func record(_ entry: SyncLogEntry, of merchant: MerchantID, contactIdentity: String?) async throws(StoreError)

    /// Newest first.
    func syncLogs(
        of merchant: MerchantID, _ filter: SyncLogFilter, after cursor: PageCursor?, limit: Int
    ) async throws(StoreError) -> Page<SyncLogEntry>
}

/// Signs what clients carry for us, such as cursors.
package protocol CursorSigner: Sendable {
    func sign(_ bytes: [UInt8]) -> [UInt8]
}
