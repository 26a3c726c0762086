internal import CRMPluginSDK

/// A contact that is there.
struct FoundRow: Sendable {
    /// With `Id` and what it is known by.
    let row: JSONValue
    /// Its first address is another one.
    var isByFurtherAddress = false
}

extension Conversation {
    /// The contact that is meant.
    func find(_ contact: Contact) async throws -> FoundRow? {
        guard contact.hasIdentifier else { throw CRMError.noIdentifier }
        if let id = contact.externalID, let row = try await find(externalID: id) { return row }
        if let email = contact.email { return try await find(email: email, externalID: contact.externalID) }
        if contact.externalID != nil, await hasExternalIDColumn { return nil }
        guard let phone = contact.phone else { throw CRMError.noExternalIDColumn(settings.column(.externalID)) }
        let column = settings.column(.phone)
        return try await contacts(.equals(column, phone), select: [column], top: 10)
            .first { $0[column]?.stringValue == phone }.map { FoundRow(row: $0) }
    }

    /// The one way to read a contact whole: `select` and `expand` as far as the site goes along with them.
    func contact(_ query: ContactQuery) async throws -> FoundContact {
        let id: GUID?
        switch query {
        case .remoteID(let text): id = GUID(text)
        case .externalID(let externalID):
            id = try await find(externalID: externalID)?.row.recordID
            if id == nil, await !hasExternalIDColumn { throw CRMError.noExternalIDColumn(settings.column(.externalID)) }
        case .email(let email): id = try await find(email: email, externalID: nil)?.row.recordID
        }
        guard let id, id.text != GUID.none, let row = try await whole(id), let found = FoundContact(row, settings) else {
            throw CRMError.noContact
        }
        return found
    }

    /// An object that not every site has, or that not every user may read: then there are no rows.
    func optionalRows(_ page: Page) async throws -> [JSONValue] {
        if await isKnownToBeMissing(page.entity) { return [] }
        do {
            return try await rows(page)
        } catch let error as CRMError where error.status == .permissionDenied || error.code == CRMError.noObject {
            await remember(missing: page.entity)
            return []
        } catch let error as CRMError where error.status == .invalidArgument {
            return []
        }
    }

    var hasExternalIDColumn: Bool {
        get async { await !isKnownToBeMissing("Contact.\(settings.column(.externalID))") }
    }
}

extension Conversation {
    private func find(externalID: String) async throws -> FoundRow? {
        let column = settings.column(.externalID)
        if await hasExternalIDColumn {
            do {
                // Text columns of some databases find other capitals as well; an id is an id.
                return try await contacts(.equals(column, externalID), select: [column], top: 10)
                    .first { $0[column]?.stringValue == externalID }.map { FoundRow(row: $0) }
            } catch let error as CRMError where error.status == .invalidArgument && error.columns.contains(column) {
                await remember(missing: "Contact.\(column)")
            }
        }
        warn(
            CRMError.noColumn, "external_id",
            "Contact has no column \(column): make it, or name another in settings.fields.external_id; contacts are known by email"
        )
        return nil
    }

    /// A person whom we know by another id is another person, whatever the address.
    private func find(email: String, externalID: String?) async throws -> FoundRow? {
        let address = settings.column(.email)
        var columns = [address]
        if externalID != nil, await hasExternalIDColumn { columns.append(settings.column(.externalID)) }
        let rows = try await contacts(.address(address, email), select: columns, top: 10)
            .filter { $0[address]?.stringValue?.lowercased() == email.lowercased() }
        let candidates = rows.filter { isFree($0, for: externalID) }
        if candidates.count > 1 {
            warn("creatio.several_contacts", "email", "several contacts have this address; the oldest one was taken")
        }
        if let oldest = candidates.first { return FoundRow(row: oldest) }
        if !rows.isEmpty {
            warn("creatio.shared_address", "email", "another contact has this address too, under another external id")
            return nil
        }
        return try await find(communication: email, externalID: externalID, columns)
    }

    /// Other addresses than the first stand in a list of their own. One that leads to several people leads to nobody.
    private func find(communication email: String, externalID: String?, _ columns: [String]) async throws -> FoundRow? {
        guard settings.searchesCommunications else { return nil }
        let page = Page(
            "ContactCommunication", .address("Number", email), select: ["Number", "ContactId"], top: 10)
        let owners = try await optionalRows(page)
            .filter { $0["Number"]?.stringValue?.lowercased() == email.lowercased() }.compactMap { $0.guid("ContactId") }
        guard let owner = owners.first, owners.allSatisfy({ $0 == owner }) else { return nil }
        guard let row = try await record("Contact", owner, Page("Contact", select: columns)) else { return nil }
        return isFree(row, for: externalID) ? FoundRow(row: row, isByFurtherAddress: true) : nil
    }

    private func isFree(_ row: JSONValue, for externalID: String?) -> Bool {
        guard let externalID, let theirs = row.present(settings.column(.externalID))?.stringValue else { return true }
        return theirs == externalID
    }

    private func contacts(_ filter: Filter, select columns: [String], top: Int) async throws -> [JSONValue] {
        try await rows(Page("Contact", filter, select: columns, isOrdered: true, top: top)).filter { $0.recordID != nil }
    }

    private func whole(_ id: GUID) async throws -> JSONValue? {
        var columns = ["Name", "ModifiedOn"]
        var expansions: [String] = []
        for field in ContactField.allCases {
            if let lookup = settings.lookup(field) {
                expansions.append(lookup.expansion)
            } else if await !isKnownToBeMissing("Contact.\(settings.column(field))") {
                columns.append(settings.column(field))
            }
        }
        for property in settings.mappedProperties where await !isKnownToBeMissing("Contact.\(property.column)") {
            columns.append(property.column)
        }
        return try await whole(id, columns, expansions)
    }

    /// Asks again for less when the site refuses: first without the columns that it names, then without what lies behind the record.
    private func whole(_ id: GUID, _ columns: [String], _ expansions: [String]) async throws -> JSONValue? {
        do {
            return try await record("Contact", id, Page("Contact", select: columns, expand: expansions))
        } catch let error as CRMError where error.status == .invalidArgument {
            let unknown = error.columns.filter { $0 != "Id" }
            if !unknown.isEmpty {
                for column in unknown {
                    await remember(missing: "Contact.\(column)")
                    warn(CRMError.unknownColumn, field(ofColumn: column), "Creatio has no column \(column)")
                }
                return try await whole(id, columns.filter { !unknown.contains($0) }, expansions)
            }
            guard !expansions.isEmpty else { throw error }
            warn(
                "creatio.not_expanded", nil, "Creatio did not show what the contact refers to: organization, city, region, country, locale")
            return try await whole(id, columns, [])
        }
    }

    private func field(ofColumn column: String) -> String {
        if let field = ContactField.allCases.first(where: { settings.column($0) == column }) { return field.path }
        return settings.mappedProperties.first { $0.column == column }.map { "properties.\($0.name)" } ?? column
    }
}

extension CRMError {
    static let noColumn = "creatio.no_external_id_column"
    static let noIdentifier = CRMError(
        .invalidArgument, code: "creatio.no_identifier", message: "a contact needs an email, an external_id or a phone")

    static func noExternalIDColumn(_ column: String) -> CRMError {
        CRMError(
            .invalidArgument, code: noColumn,
            message: "Contact has no column \(column): make it in Creatio, or name another in settings.fields.external_id")
    }
}
