internal import CRMPluginSDK

/// What a user of a site may do there, found out without writing anything.
struct PermissionReport {
    private let connection: Connection
    private let conversation: Conversation

    init(_ connection: Connection, _ settings: Settings, _ context: OperationContext) {
        self.connection = connection
        conversation = Conversation(connection, settings, context)
    }

    func made() async throws -> CredentialCheck {
        try await connection.reopen()
        let contacts = try await reading("Contact")
        let key = try await externalIDColumn(contacts)
        let events = try await events()
        let writing: Finding =
            contacts.state == .missing
            ? contacts : Finding(.unknown, key ?? "object Contact: only a write shows whether the user may write")
        return CredentialCheck(
            account: RemoteAccount(id: connection.site.name, name: connection.site.name, url: connection.site.address),
            permissions: [
                Permission(.validateCredentials, .proven, detail: "login"),
                Permission(.createOrUpdateContact, writing.state, detail: writing.detail),
                Permission(.sendEvent, events.state, detail: events.detail),
                Permission(.getContact, contacts.state, detail: contacts.detail),
                Permission(.batch, writing.state, detail: writing.detail),
            ],
            limits: nil)
    }

    /// What was found out about one ability, with the one thing to do about it where there is one.
    private struct Finding {
        let state: Permission.State
        let detail: String

        init(_ state: Permission.State, _ detail: String) {
            self.state = state
            self.detail = detail
        }
    }

    private func reading(_ entity: String) async throws -> Finding {
        do {
            _ = try await conversation.rows(Page(entity))
            return Finding(.proven, "object \(entity)")
        } catch let error as CRMError where error.status == .permissionDenied {
            return Finding(.missing, "object \(entity): give the Creatio user the right to read it")
        }
    }

    /// `nil` when contacts can be known by our ids.
    private func externalIDColumn(_ contacts: Finding) async throws -> String? {
        let settings = conversation.settings
        let column = settings.column(.externalID)
        guard contacts.state == .proven else { return nil }
        var missing: [String] = []
        for name in [column] + settings.mappedProperties.map(\.column) where !missing.contains(name) {
            do {
                _ = try await conversation.rows(Page("Contact", select: [name]))
            } catch let error as CRMError where error.status == .invalidArgument {
                missing.append(name)
            }
        }
        guard let first = missing.first else { return nil }
        if first == column {
            return "object Contact has no column \(column): make it, or name another in settings.fields.external_id; "
                + "until then contacts are known by email"
        }
        return "object Contact has no column \(first): make it, or correct settings.properties"
    }

    private func events() async throws -> Finding {
        let settings = conversation.settings
        if settings.eventTarget != .activity {
            let key = settings.column(.uniqueID)
            do {
                _ = try await conversation.rows(Page(settings.eventObject, select: [key]))
                return Finding(.unknown, "object \(settings.eventObject): only a write shows whether the user may write")
            } catch let error as CRMError
                where error.status == .invalidArgument || error.status == .permissionDenied || error.code == CRMError.noObject
            {
                let problem =
                    "object \(settings.eventObject) with the column \(key) cannot be read: make it, and let the user read and write it"
                if settings.eventTarget == .customObject { return Finding(.missing, problem) }
                let activities = try await reading("Activity")
                return activities.state == .missing
                    ? Finding(.missing, problem) : Finding(.unknown, "\(problem); until then events become activities")
            }
        }
        let activities = try await reading("Activity")
        return activities.state == .missing
            ? activities : Finding(.unknown, "object Activity: only a write shows whether the user may write")
    }
}
