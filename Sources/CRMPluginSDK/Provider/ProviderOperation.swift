internal import CRMPluginAPI

/// What the host can ask of a provider; the ABI's `CRM_OP_*`.
public enum ProviderOperation: UInt32, Sendable, CaseIterable {
    case validateCredentials = 1
    case createOrUpdateContact = 2
    case sendEvent = 3
    case getContact = 4
    case batch = 5

    /// The name in schemas, URLs and logs.
    public var name: String {
        switch self {
        case .validateCredentials: "validate_credentials"
        case .createOrUpdateContact: "create_or_update_contact"
        case .sendEvent: "send_event"
        case .getContact: "get_contact"
        case .batch: "batch"
        }
    }

    var capability: Capabilities {
        switch self {
        case .validateCredentials: .validateCredentials
        case .createOrUpdateContact: .createOrUpdateContact
        case .sendEvent: .sendEvent
        case .getContact: .getContact
        case .batch: .batch
        }
    }

    var writes: Bool {
        switch self {
        case .validateCredentials, .getContact: false
        case .createOrUpdateContact, .sendEvent, .batch: true
        }
    }
}

/// What a provider declares that it can do; the ABI's `CRM_CAPABILITY_*`. The SDK answers "unsupported" to what is not declared.
public struct Capabilities: OptionSet, Sendable, Hashable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    public static let validateCredentials = Capabilities(rawValue: CRM_CAPABILITY_VALIDATE_CREDENTIALS)
    public static let createOrUpdateContact = Capabilities(rawValue: CRM_CAPABILITY_CREATE_OR_UPDATE_CONTACT)
    public static let sendEvent = Capabilities(rawValue: CRM_CAPABILITY_SEND_EVENT)
    public static let getContact = Capabilities(rawValue: CRM_CAPABILITY_GET_CONTACT)
    public static let batch = Capabilities(rawValue: CRM_CAPABILITY_BATCH)
    /// Writes with `OperationContext.isDryRun` change nothing in the CRM. Without it the SDK refuses such writes.
    public static let dryRun = Capabilities(rawValue: CRM_CAPABILITY_DRY_RUN)
    /// The same upsert twice leaves one record.
    public static let idempotentUpsert = Capabilities(rawValue: CRM_CAPABILITY_IDEMPOTENT_UPSERT)
    /// An event repeated with its key is recorded once.
    public static let eventsDeduplicated = Capabilities(rawValue: CRM_CAPABILITY_EVENTS_DEDUPLICATED)
    /// Contacts are found by `external_id`.
    public static let externalIDs = Capabilities(rawValue: CRM_CAPABILITY_EXTERNAL_IDS)
}
