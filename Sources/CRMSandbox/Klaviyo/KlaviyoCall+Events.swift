import CRMCore
import CRMCrypto

extension KlaviyoCall {
    func createEvent() throws(KlaviyoRefusal) -> Answer {
        let data = try data.resource("event")
        try data.checkStrings()
        let attributes = try data.required("attributes")
        let event = try KlaviyoEventInput(attributes, otherMembers: ["profile"], at: now)
        let profile = try attributes.required("profile")
        try profile.onlyMembers(["data"], of: "event")
        let effect = record(event, of: contact(try eventProfile(profile)))
        return Answer(status: 202, effects: [effect])
    }

    /// Everything is checked before anything is done: one repetition, within the request or of what is known, fails the whole of it.
    func createEventsInBulk() throws(KlaviyoRefusal) -> Answer {
        let data = try data.resource("event-bulk-create-job")
        try data.checkStrings()
        let groups = try data.required("attributes").required("events-bulk-create").required("data")
        var pending: [(profile: KlaviyoProfileInput, events: [KlaviyoEventInput])] = []
        var seen: Set<[String]> = []
        var count = 0
        for group in try groups.elements() {
            let attributes = try group.resource("event-bulk-create").required("attributes")
            try attributes.onlyMembers(["profile", "events", "backfill"], of: "event-bulk-create")
            let profile = try eventProfile(attributes.required("profile"))
            let owner = account.matches(profile).first
            var events: [KlaviyoEventInput] = []
            for element in try attributes.required("events").required("data").elements() {
                count += 1
                let event = try KlaviyoEventInput(try element.resource("event").required("attributes"), otherMembers: [], at: now)
                let key = owner ?? profile.keys.first.map { "\($0.name):\($0.value)" } ?? ""
                let isNew = seen.insert([key, event.metric, event.repetitionKey]).inserted
                if !isNew || owner.map({ account.hasEvent(event, of: $0) }) == true {
                    throw .invalid(
                        "An event with this unique_id exists for the profile and the metric.", at: "\(element.pointer)/attributes/unique_id"
                    )
                }
                events.append(event)
            }
            pending.append((profile, events))
        }
        guard (1...1_000).contains(count) else { throw .invalid("A request holds 1 to 1000 events.", at: groups.pointer) }
        var effects: [Effect] = []
        for (input, events) in pending {
            let (profile, isNew) = contact(input)
            for (index, event) in events.enumerated() { effects.append(record(event, of: (profile, isNew && index == 0))) }
        }
        return Answer(status: 202, effects: effects)
    }

    func getEvents() throws(KlaviyoRefusal) -> Answer {
        let filter = try KlaviyoFilter(request.query["filter"] ?? "")
        var entries = events.entries(of: account.email)
        for condition in filter.conditions {
            switch condition.field {
            case "profile_id": entries = entries.filter { condition.values.contains($0.profileID) }
            case "metric_id": entries = entries.filter { condition.values.contains(metricID($0.metric)) }
            default: throw .invalidParameter("filter", "Events are filtered by profile_id and metric_id.")
            }
        }
        return try KlaviyoPage(entries, of: self).answer { entry throws(KlaviyoRefusal) in json(entry) }
    }

    private func eventProfile(_ field: KlaviyoField) throws(KlaviyoRefusal) -> KlaviyoProfileInput {
        let data = try field.required("data")
        let input = try KlaviyoProfileInput(data, extraTexts: ["anonymous_id"], metaInAttributes: revision == .july2026)
        try input.requireIdentifier(at: "\(data.pointer)/attributes")
        return input
    }

    /// Klaviyo accepts an event before it looks for the profile, so a conflict of identifiers cannot be refused any more: the strongest
    /// identifier decides, and the others stay where they are.
    private func contact(_ input: KlaviyoProfileInput) -> (profile: KlaviyoProfile, isNew: Bool) {
        let matches = account.matches(input)
        guard let id = matches.first else { return (account.create(input, at: now), true) }
        let taken = Set(input.keys.filter { key in account.owner(of: key).map { $0 != id } ?? false }.map(\.name))
        guard let profile = account.update(id, input, at: now, keeping: taken) else { return (account.create(input, at: now), true) }
        return (profile, false)
    }

    private func record(_ event: KlaviyoEventInput, of contact: (profile: KlaviyoProfile, isNew: Bool)) -> Effect {
        let isNew = account.record(event, of: contact.profile.id)
        if isNew {
            var properties = event.properties
            properties.set("$event_id", event.uniqueID)
            if !event.value.isNull { properties["$value"] = event.value }
            properties.set("$value_currency", event.currency)
            events.append(
                KlaviyoEventLog.Entry(
                    id: serials.next(at: now), account: account.email, profileID: contact.profile.id, metric: event.metric,
                    time: event.time,
                    properties: JSONValue.object(properties).serialized()))
        }
        return Effect(
            kind: isNew ? .eventRecorded : .eventDuplicate, email: contact.profile.email, metric: event.metric, uniqueID: event.uniqueID,
            createdContact: contact.isNew)
    }

    private func json(_ entry: KlaviyoEventLog.Entry) -> JSONValue {
        [
            "type": "event", "id": .string(entry.id),
            "attributes": [
                "timestamp": .integer(entry.time.seconds), "datetime": .string(KlaviyoTime.text(entry.time)),
                "event_properties": (try? JSONValue(parsing: entry.properties)) ?? [:], "uuid": .string(entry.id),
            ],
            "relationships": [
                "profile": ["data": ["type": "profile", "id": .string(entry.profileID)]],
                "metric": ["data": ["type": "metric", "id": .string(metricID(entry.metric))], "meta": ["name": .string(entry.metric)]],
            ],
            "links": ["self": .string("\(base)/api/events/\(entry.id)/")],
        ]
    }

    private func metricID(_ name: String) -> String {
        let alphabet = Array("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz23456789")
        return String(SHA256.hash(Array("metric:\(account.email):\(name)".utf8)).prefix(6).map { alphabet[Int($0) % alphabet.count] })
    }
}
