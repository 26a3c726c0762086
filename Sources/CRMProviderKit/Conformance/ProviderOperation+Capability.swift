package import CRMCore
internal import CRMPluginAPI

extension ProviderOperation {
    /// The name in files and on the command line, which is also the capability's.
    package var name: String {
        switch self {
        case .validateCredentials: "validate_credentials"
        case .createOrUpdateContact: "create_or_update_contact"
        case .sendEvent: "send_event"
        case .getContact: "get_contact"
        case .batch: "batch"
        }
    }

    package init?(name: String) {
        guard let operation = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = operation
    }

    var capability: UInt64 {
        switch self {
        case .validateCredentials: UInt64(CRM_CAPABILITY_VALIDATE_CREDENTIALS)
        case .createOrUpdateContact: UInt64(CRM_CAPABILITY_CREATE_OR_UPDATE_CONTACT)
        case .sendEvent: UInt64(CRM_CAPABILITY_SEND_EVENT)
        case .getContact: UInt64(CRM_CAPABILITY_GET_CONTACT)
        case .batch: UInt64(CRM_CAPABILITY_BATCH)
        }
    }

    var writes: Bool { self == .createOrUpdateContact || self == .sendEvent || self == .batch }
}
