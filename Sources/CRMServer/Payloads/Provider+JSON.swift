internal import CRMCore

extension ProviderDescription {
    func json(isPaused: Bool) -> JSONValue {
        [
            "crm_type": .string(crmType.name), "display_name": .string(displayName), "version": .string(version),
            "capabilities": .array(capabilityNames.map(JSONValue.string)), "credential_schema": credentialSchema,
            "settings_schema": settingsSchema, "documentation_url": .optional(documentationURL),
            "health": ["state": isPaused ? "paused" : "in_service"],
        ]
    }
}
