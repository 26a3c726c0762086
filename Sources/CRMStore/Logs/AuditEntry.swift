internal import CRMCore
internal import FoundationEssentials

/// One change that a merchant's own audit log shows; written by the statement that makes the change.
struct AuditEntry {
    enum Action: String {
        case merchantCreated = "merchant.created"
        case merchantUpdated = "merchant.updated"
        case integrationConnected = "integration.connected"
        case integrationReplaced = "integration.replaced"
        case integrationChanged = "integration.changed"
        case integrationPaused = "integration.paused"
        case integrationResumed = "integration.resumed"
        case integrationDisconnected = "integration.disconnected"
    }

    let merchant: MerchantID
    let id: UUID
    let at: Timestamp
    let action: Action
    let target: String
    /// Names of what changed, never values of secrets.
    let changes: JSONObject
    let context: RequestContext

    static let columns: Statement =
        "merchant_id, at, audit_id, actor_kind, actor_id, action, target, ip, user_agent, request_id, changes"

    /// What goes under `columns`.
    var values: Statement {
        let (kind, actor) = context.actor.named
        return """
            \(merchant), \(at), \(id), \(kind), \(actor), \(action.rawValue), \(target), \(context.ip), \(context.userAgent),
            \(context.requestID), \(changes)
            """
    }
}

extension RequestContext.Actor {
    fileprivate var named: (kind: String, id: String?) {
        switch self {
        case .user(let uid): ("user", uid)
        case .serverKey(let id): ("server_key", id)
        case .platformKey(let id): ("platform_key", id)
        case .operator(let name): ("operator", name)
        case .system: ("system", nil)
        }
    }
}
