/// What one request did to the imitated service.
struct Effect {
    enum Kind: UInt8 {
        case none, contactCreated, contactUpdated, eventRecorded, eventDuplicate, refused

        var name: String {
            switch self {
            case .none: "none"
            case .contactCreated: "contact_created"
            case .contactUpdated: "contact_updated"
            case .eventRecorded: "event_recorded"
            case .eventDuplicate: "event_duplicate"
            case .refused: "refused"
            }
        }
    }

    var kind: Kind
    var email: String?
    var metric: String?
    var uniqueID: String?
    var idempotency: String?
    /// An event may bring its contact into being; the journal says so in the event's entry.
    var createdContact = false
}
