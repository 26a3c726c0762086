internal import CRMPluginSDK

/// What an org knows of the contacts of a batch, found out by few queries.
struct KnownContacts {
    /// So that the address of a query stays within 2,048 bytes.
    private static let longestCondition = 1_600

    private var keys: Set<String> = []
    /// By field and value, without regard to case; the oldest first.
    private var matches: [String: [Match]] = [:]

    init(_ contacts: [Contact], _ writer: ContactWriter) async throws {
        guard let keyField = writer.keyField else { return }
        let settings = writer.settings
        // Who is known by nothing but the key has no other record to take it over.
        let named = contacts.filter { Handle($0, settings) != nil }.compactMap(\.externalID)
        for values in Self.chunks(named) {
            let query = Query(fields: ["Id", keyField], condition: Query.isIn(keyField, values), limit: 2_000)
            for row in try await writer.connection.rows(query) {
                if let key = row.field(keyField)?.stringValue { keys.insert(key.lowercased()) }
            }
        }
        // Who is known by key needs no look-up by address.
        let handles = contacts.filter { $0.externalID.map { !isKnown($0) } ?? true }.compactMap { Handle($0, settings) }
        for field in Set(handles.map(\.field)).sorted() where writer.description[field] != nil {
            for values in Self.chunks(handles.filter { $0.field == field }.map(\.value)) {
                let query = Query(
                    fields: ["Id", keyField, field], condition: Query.isIn(field, values), order: "CreatedDate", limit: 2_000)
                for row in try await writer.connection.rows(query) {
                    guard let match = Match(row, keyField), let value = row.field(field)?.stringValue else { continue }
                    matches[Self.place(field, value), default: []].append(match)
                }
            }
        }
    }

    func isKnown(_ key: String) -> Bool { keys.contains(key.lowercased()) }

    private func found(_ handle: Handle) -> [Match] { matches[Self.place(handle.field, handle.value)] ?? [] }

    private static func place(_ field: String, _ value: String) -> String { "\(field)=\(value.lowercased())" }

    /// Values without repetition, in groups that fit into one query.
    private static func chunks(_ values: [String]) -> [[String]] {
        var chunks: [[String]] = []
        var seen: Set<String> = []
        var length = longestCondition
        for value in values where seen.insert(value.lowercased()).inserted {
            let size = PercentEncoding.encode(Query.literal(value)).utf8.count + 3
            if length + size > longestCondition {
                chunks.append([])
                length = 0
            }
            chunks[chunks.count - 1].append(value)
            length += size
        }
        return chunks
    }
}

extension KnownContacts {
    /// The key under which the contact can go with the others; `nil` when it has to go by itself.
    func key(of contact: Contact, _ writer: ContactWriter, _ draft: inout Draft) throws(CRMError) -> String? {
        let handle = Handle(contact, writer.settings)
        if let key = contact.externalID {
            try writer.checkLength(of: key)
            guard !isKnown(key), let handle else { return key }
            // Somebody with this address may have to take the key over.
            guard found(handle).isEmpty else { return nil }
            draft.completeName()
            return key
        }
        guard let handle else { throw .noIdentifier }
        let matches = found(handle)
        guard let match = matches.first else {
            draft.completeName()
            return writer.derivedKey(handle)
        }
        return matches.count > 1 ? nil : match.key
    }

    /// How an event names its contact, who is made when there is none.
    mutating func link(_ contact: Contact, _ sender: EventSender, _ draft: inout Draft) async throws -> EventSender.Link {
        guard contact.externalID == nil, let handle = Handle(contact, sender.writer.settings) else {
            return try await sender.link(contact, &draft)
        }
        if let match = found(handle).first { return .id(match.id) }
        let link = try await sender.link(contact, &draft)
        if case .id(let id) = link { matches[Self.place(handle.field, handle.value)] = [Match(id: id, key: nil)] }
        return link
    }
}
