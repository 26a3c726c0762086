import CRMCore

/// Counts per service and account, kept while entries are added, so that they outlive entries that were dropped.
struct JournalSummary {
    fileprivate struct Counts {
        var requests = 0
        var contacts = 0
        var contactUpdates = 0
        var events = 0
        var duplicates = 0
        var cut = 0
        var refused: [Int: Int] = [:]
        /// Of bulk requests that were answered with a success.
        var refusedItems = 0
    }

    private var counts: [String: [String: Counts]] = [:]

    mutating func countRequest(crm: String, account: String?) {
        counts[crm, default: [:]][account ?? "", default: Counts()].requests += 1
    }

    mutating func count(_ entry: JournalEntry) {
        counts[entry.crm, default: [:]][entry.account ?? "", default: Counts()].add(entry)
    }

    var json: JSONValue {
        .object(
            JSONObject(
                counts.sorted { $0.key < $1.key }.map { crm, accounts in
                    (crm, .object(JSONObject(accounts.sorted { $0.key < $1.key }.map { ($0.key, $0.value.json) })))
                }))
    }
}

extension JournalSummary.Counts {
    fileprivate mutating func add(_ entry: JournalEntry) {
        if entry.isCut { cut += 1 }
        if entry.effect.createdContact { contacts += 1 }
        switch entry.effect.kind {
        case .none: break
        case .contactCreated: contacts += 1
        case .contactUpdated: contactUpdates += 1
        case .eventRecorded: events += 1
        case .eventDuplicate: duplicates += 1
        case .refused:
            let status = entry.status ?? 0
            if (200...299).contains(status) { refusedItems += 1 } else { refused[status, default: 0] += 1 }
        }
    }

    fileprivate var json: JSONValue {
        [
            "requests": .integer(requests), "contacts": .integer(contacts), "contact_updates": .integer(contactUpdates),
            "events": .integer(events), "duplicates": .integer(duplicates), "cut": .integer(cut),
            "refused": .object(JSONObject(refused.sorted { $0.key < $1.key }.map { (String($0.key), .integer($0.value)) })),
            "refused_items": .integer(refusedItems),
        ]
    }
}
