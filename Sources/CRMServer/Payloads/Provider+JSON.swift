internal import CRMCore

extension ProviderDescription {
    var json: JSONValue {
        [
            "crm_type": .string(crmType.name), "display_name": .string(displayName), "version": .string(version),
            "capabilities": .array(capabilityNames.map(JSONValue.string)), "credential_schema": credentialSchema,
            "settings_schema": settingsSchema, "documentation_url": .optional(documentationURL),
            // Only providers in service are listed.
            "health": ["state": "in_service"],
        ]
    }
}
