package import CRMPluginSDK

extension SalesforceProvider {
    /// A login and what the org says of its objects: nothing is written to find out.
    package func validateCredentials(_ context: OperationContext) async throws -> CredentialCheck {
        let connection = try Connection(self, context)
        await connection.forgetRefusal()
        let session = try await connection.currentSession()
        await connection.forgetDescription(of: "Contact")
        await connection.forgetDescription(of: connection.settings.eventObject)
        let contact: ObjectDescription?
        do {
            contact = try await connection.description(of: "Contact")
        } catch let error as CRMError where error.status == .permissionDenied {
            return CredentialCheck(account: session.account, permissions: Self.noAccess)
        }
        let limits = try await limits(connection)
        return CredentialCheck(
            account: try await account(session, connection),
            permissions: try await permissions(contact, connection), limits: limits)
    }

    /// The login was good, and the REST API refuses all the same.
    private static let noAccess: [Permission] = {
        let advice = "The user cannot use the REST API: grant the permission API Enabled."
        return [Permission(.validateCredentials, .proven)]
            + [.createOrUpdateContact, .sendEvent, .getContact, .batch].map { Permission($0, .missing, detail: advice) }
    }()

    /// Proves that the session is good for the REST API. Who may not read the limits may do everything else.
    private func limits(_ connection: Connection) async throws -> JSONValue? {
        switch try await connection.answer(Call(.get, "/limits", route: "/limits")) {
        case .success(let response): return response.json?["DailyApiRequests"].map { ["DailyApiRequests": $0] }
        case .refused(let refusal):
            guard refusal.error.status == .permissionDenied else { throw refusal.error }
            return nil
        }
    }

    /// OAuth's answer does not say the org's name.
    private func account(_ session: Session, _ connection: Connection) async throws -> RemoteAccount? {
        if session.organizationName != nil { return session.account }
        let query = Query(fields: ["Id", "Name"], object: "Organization", condition: nil, limit: 1)
        guard case .success(let response) = try await connection.answer(.query(query)),
            let row = response.json?["records"]?.arrayValue?.first,
            let id = row["Id"]?.stringValue
        else { return session.account }
        return RemoteAccount(id: RecordID(id)?.text ?? id, name: row["Name"]?.stringValue ?? id, url: session.origin)
    }
}

extension Session {
    fileprivate var account: RemoteAccount? {
        organizationID.map { RemoteAccount(id: RecordID($0)?.text ?? $0, name: organizationName ?? $0, url: origin) }
    }
}

extension SalesforceProvider {
    private func permissions(_ contact: ObjectDescription?, _ connection: Connection) async throws -> [Permission] {
        let writing = contactPermission(contact, connection.settings)
        let reading: (Permission.State, String?) =
            switch contact?.isQueryable {
            case true?: (.proven, nil)
            case false?: (.missing, "Grant the user Read on Contact.")
            case nil: contact == nil ? (.missing, "Grant the user Read on Contact.") : (.unknown, nil)
            }
        let events = try await eventPermission(connection, contact: writing)
        return [
            Permission(.validateCredentials, .proven),
            Permission(.createOrUpdateContact, writing.0, detail: writing.1),
            Permission(.sendEvent, events.0, detail: events.1),
            Permission(.getContact, reading.0, detail: reading.1),
            Permission(.batch, writing.0, detail: writing.1),
        ]
    }

    private func contactPermission(_ contact: ObjectDescription?, _ settings: Settings) -> (Permission.State, String?) {
        let grant = "Grant the user Create, Read and Edit on Contact."
        guard let contact else { return (.missing, grant) }
        guard let isCreateable = contact.isCreateable, let isUpdateable = contact.isUpdateable else { return (.unknown, nil) }
        guard isCreateable, isUpdateable else { return (.missing, grant) }
        guard let key = contact[settings.keyField] else {
            return (
                .proven,
                "Add to Contact the text field \(settings.keyField), External ID and Unique, visible to the user: without it two writes at once may make two contacts."
            )
        }
        guard key.isExternalID, key.isCreateable else {
            return (.proven, "Make \(settings.keyField) of Contact an External ID that the user may edit.")
        }
        guard key.isUnique else {
            return (.proven, "Make \(settings.keyField) of Contact unique: two writes at once may make two contacts.")
        }
        return (.proven, nil)
    }

    private func eventPermission(
        _ connection: Connection, contact: (Permission.State, String?)
    ) async throws -> (Permission.State, String?) {
        let settings = connection.settings
        do {
            let target = try await EventSender(connection).target
            let object: ObjectDescription?
            switch target {
            case .customObject(_, let description, _), .platformEvent(_, let description): object = description
            case .task: object = try await connection.description(of: "Task")
            }
            guard let object else { return (.missing, "Grant the user Create on \(target.object).") }
            guard let isCreateable = object.isCreateable else { return (.unknown, nil) }
            guard isCreateable else { return (.missing, "Grant the user Create on \(target.object).") }
            switch target {
            case .customObject(let name, let object, let key):
                if object.isUpdateable == false { return (.missing, "Grant the user Edit on \(name).") }
                return (.proven, object[key]?.isUnique == false ? "Make \(key) of \(name) unique, or an event may be recorded twice." : nil)
            case .task(let key):
                return (
                    .proven,
                    key != nil
                        ? nil
                        : "Events become tasks, and one that is sent again may become two: for exactly one, add the object \(settings.eventObject) with a unique external id field."
                )
            case .platformEvent: return (.proven, nil)
            }
        } catch let error as CRMError where error.status == .permissionDenied {
            return (.missing, "\(error.message).")
        }
    }
}
