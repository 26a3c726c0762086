package import CRMPluginSDK

extension Endpoint {
    static let accounts = Endpoint(.get, "/api/accounts", scopes: ["accounts:read"], .accounts)
}

extension KlaviyoProvider {
    /// Nothing is written and no customer read to find out. A check that found nothing wrong is good for a minute: Klaviyo allows 15
    /// of them a minute, and who connects has often just tried the same key.
    package func validateCredentials(_ context: OperationContext) async throws -> CredentialCheck {
        let bytes = try await context.cache.value("check") {
            let report = try await report(context)
            return SessionCache.Made(report.json.serialized(), timeToLive: report.isWholesome ? .seconds(60) : .zero)
        }
        guard let report = PermissionReport(try? JSONValue(parsing: bytes)) else { throw CRMError.unreadable(.accounts) }
        return CredentialCheck(account: report.account, permissions: report.permissions)
    }

    private func report(_ context: OperationContext) async throws -> PermissionReport {
        let account = try await account(context)
        return PermissionReport(account: account, readsProfiles: try await readsProfiles(context))
    }

    /// `nil`: the key may not see it. Klaviyo refuses the scope only after it has recognised the key.
    private func account(_ context: OperationContext) async throws -> RemoteAccount? {
        do {
            let response = try await send(.accounts, context)
            guard let account = RemoteAccount(response.json?["data"]?.arrayValue?.first) else { throw CRMError.unreadable(.accounts) }
            return account
        } catch let error as CRMError where error.code == CRMError.missingScope {
            return nil
        }
    }

    private func readsProfiles(_ context: OperationContext) async throws -> Permission.State {
        do {
            _ = try await send(.listProfiles, query: ProfilePage.ofNobody, isOptional: true, context)
            return .proven
        } catch let error as CRMError {
            switch error.status {
            case .permissionDenied: return .missing
            case .invalidCredentials: throw error
            // The key was recognised: that this question got no answer is no reason to refuse it.
            default: return .unknown
            }
        }
    }
}

/// What a check has shown about a key. Whether it may write shows only when something is written.
private struct PermissionReport {
    let account: RemoteAccount?
    let readsProfiles: Permission.State

    init(account: RemoteAccount?, readsProfiles: Permission.State) {
        self.account = account
        self.readsProfiles = readsProfiles
    }

    var isWholesome: Bool { account != nil && readsProfiles == .proven }

    var permissions: [Permission] {
        [
            permission(.validateCredentials, account == nil ? .missing : .proven, "accounts:read"),
            permission(
                .createOrUpdateContact, .unknown, "profiles:write", "for consent also subscriptions:write and lists:write"),
            permission(.sendEvent, .unknown, "events:write"),
            permission(.getContact, readsProfiles, "profiles:read"),
            permission(.batch, .unknown, "events:write, profiles:write, lists:write and lists:read"),
        ]
    }

    private func permission(
        _ operation: ProviderOperation, _ state: Permission.State, _ scopes: String, _ note: String? = nil
    ) -> Permission {
        let detail =
            switch state {
            case .proven: scopes
            case .missing: "give the API key the scope \(scopes), or connect with a key that has it"
            case .unknown: "needs \(scopes)\(note.map { "; \($0)" } ?? ""); shows when it is used"
            }
        return Permission(operation, state, detail: detail)
    }
}

extension PermissionReport {
    var json: JSONValue {
        var members: JSONObject = ["reads_profiles": .string(readsProfiles.rawValue)]
        if let account {
            var named: JSONObject = ["id": .string(account.id), "name": .string(account.name)]
            named.set("url", account.url)
            members["account"] = .object(named)
        }
        return .object(members)
    }

    init?(_ json: JSONValue?) {
        guard let state = json?["reads_profiles"]?.stringValue.flatMap(Permission.State.init) else { return nil }
        readsProfiles = state
        account = json?["account"].flatMap { named in
            guard let id = named["id"]?.stringValue, let name = named["name"]?.stringValue else { return nil }
            return RemoteAccount(id: id, name: name, url: named["url"]?.stringValue)
        }
    }
}

extension RemoteAccount {
    fileprivate init?(_ resource: JSONValue?) {
        guard let id = resource?["id"]?.stringValue else { return nil }
        let information = resource?["attributes"]?["contact_information"]
        self.init(
            id: id, name: information?["organization_name"]?.stringValue ?? id, url: information?["website_url"]?.stringValue)
    }
}
