internal import CRMCore

/// The merchant's own account.
enum AuthRoutes {
    static let all: [Route] = [
        Route(
            method: .post, path: "/auth/bootstrap", operation: "bootstrap", tag: .account, summary: "Make this user's merchant",
            description: "At the first login; again it answers with what is there and changes nothing. The body may carry a profile.",
            body: Route.Body(
                schema: "ProfilePatch", example: ["company_name": "Example Ltd", "timezone": "Europe/Athens"], isOptional: true),
            answers: [
                Route.Answer(status: 201, description: "Made now.", schema: "Merchant", example: Examples.merchant),
                Route.Answer(status: 200, description: "There already.", schema: "Merchant", example: Examples.merchant),
            ],
            problems: [.merchantDisabled], handler: .user(bootstrap)),
        Route(
            method: .get, path: "/auth/me", operation: "me", tag: .account, summary: "Read the merchant's profile",
            answers: [Route.Answer(status: 200, description: "The merchant.", schema: "Merchant", example: Examples.merchant)],
            handler: .merchant { call, merchant async throws(Problem) in Reply(200, merchant.json) }),
        Route(
            method: .patch, path: "/auth/profile", operation: "updateProfile", tag: .account, summary: "Change the merchant's profile",
            description: "A JSON merge patch (RFC 7396): only what is named changes, null clears.",
            body: Route.Body(schema: "ProfilePatch", example: ["display_name": "Anna's shop", "website": .null]),
            answers: [Route.Answer(status: 200, description: "The merchant as it is now.", schema: "Merchant", example: Examples.merchant)],
            handler: .merchant(updateProfile)),
    ]

    private static func bootstrap(_ call: Call, _ identity: VerifiedIdentity) async throws(Problem) -> Reply {
        let change = try call.body.map { body throws(Problem) in try ProfileChange(patch: body) } ?? ProfileChange()
        let made = try await asking { () async throws(StoreError) in
            try await call.api.merchants.bootstrap(identity, profile: change, call.caller)
        }
        guard !made.merchant.isDisabled else { throw Problem(.merchantDisabled, "This merchant is disabled.") }
        return Reply(made.created ? 201 : 200, made.merchant.json)
    }

    private static func updateProfile(_ call: Call, _ merchant: Merchant) async throws(Problem) -> Reply {
        let change = try ProfileChange(patch: call.body ?? .null)
        let updated = try await asking { () async throws(StoreError) in
            try await call.api.merchants.update(merchant.id, change, call.caller)
        }
        guard let updated else { throw Problem(.notAMerchant, "This user has no merchant any more.") }
        return Reply(200, updated.json)
    }
}
