import CRMCore

extension KlaviyoCall {
    func importProfile() throws(KlaviyoRefusal) -> Answer {
        let input = try KlaviyoProfileInput(data)
        try input.requireIdentifier(at: "/data/attributes")
        let (profile, isNew) = try upsert(input)
        return answer(try json(profile), status: isNew ? 201 : 200, effects: [effect(isNew ? .contactCreated : .contactUpdated, profile)])
    }

    func createProfile() throws(KlaviyoRefusal) -> Answer {
        let input = try KlaviyoProfileInput(data)
        try input.requireIdentifier(at: "/data/attributes")
        if let other = account.matches(input).first { throw .duplicate(of: other) }
        let profile = account.create(input, at: now)
        return answer(try json(profile), status: 201, effects: [effect(.contactCreated, profile)])
    }

    func updateProfile() throws(KlaviyoRefusal) -> Answer {
        let input = try KlaviyoProfileInput(data)
        guard let id = input.id else { throw .invalid("The field 'id' is required.", at: "/data/id") }
        guard id == self.id else { throw .invalid("The id is not the one in the path.", at: "/data/id") }
        guard account.profiles[id] != nil else { throw noProfile(id) }
        if let other = account.matches(input).first(where: { $0 != id }) { throw .duplicate(of: other) }
        guard let profile = account.update(id, input, at: now) else { throw noProfile(id) }
        return answer(try json(profile), effects: [effect(.contactUpdated, profile)])
    }

    func getProfile() throws(KlaviyoRefusal) -> Answer {
        guard let id, let profile = account.profiles[id] else { throw noProfile(id ?? "") }
        return answer(try json(profile))
    }

    func getProfiles() throws(KlaviyoRefusal) -> Answer {
        let filter = try KlaviyoFilter(request.query["filter"] ?? "")
        let wanted = filter.candidates(in: account).compactMap { account.profiles[$0] }.filter { filter.accepts($0) }
        return try KlaviyoPage(try sorted(wanted), of: self).answer { profile throws(KlaviyoRefusal) in try json(profile) }
    }

    /// Creates or updates, as one step. Two profiles for one request is a conflict that Klaviyo does not decide.
    func upsert(_ input: KlaviyoProfileInput) throws(KlaviyoRefusal) -> (profile: KlaviyoProfile, isNew: Bool) {
        if let id = input.id, account.profiles[id] == nil { throw noProfile(id, at: "/data/id") }
        let matches = account.matches(input)
        guard let first = matches.first else { return (account.create(input, at: now), true) }
        if matches.count > 1 { throw .duplicate(of: matches[1]) }
        guard let profile = account.update(first, input, at: now) else { throw noProfile(first) }
        return (profile, false)
    }

    private func json(_ profile: KlaviyoProfile) throws(KlaviyoRefusal) -> JSONValue {
        let additional = request.query["additional-fields[profile]"].map { $0.split(separator: ",").map(String.init) } ?? []
        if let unknown = additional.first(where: { $0 != "subscriptions" }) {
            throw .invalidParameter("additional-fields[profile]", "The sandbox does not play '\(unknown.prefix(40))'.")
        }
        let fields = request.query["fields[profile]"].map { Set($0.split(separator: ",").map(String.init)) }
        let ban = profile.email.flatMap { account.settings.suppressed[$0.lowercased()] }
        return profile.json(links: base, withSubscriptions: additional.contains("subscriptions"), ban: ban, fields: fields)
    }

    private func sorted(_ profiles: [KlaviyoProfile]) throws(KlaviyoRefusal) -> [KlaviyoProfile] {
        guard let sort = request.query["sort"] else { return profiles }
        let isDescending = sort.hasPrefix("-")
        let ascending: [KlaviyoProfile]
        switch isDescending ? String(sort.dropFirst()) : sort {
        case "id": ascending = profiles.sorted { $0.id < $1.id }
        case "created": ascending = profiles.sorted { $0.created < $1.created }
        case "updated": ascending = profiles.sorted { $0.updated < $1.updated }
        case "email": ascending = profiles.sorted { ($0.email ?? "") < ($1.email ?? "") }
        default: throw .invalidParameter("sort", "Profiles are sorted by id, created, updated or email.")
        }
        return isDescending ? ascending.reversed() : ascending
    }

    private func noProfile(_ id: String, at pointer: String? = nil) -> KlaviyoRefusal {
        .notFound("A profile with id \(id.prefix(64)) does not exist.", at: pointer)
    }
}
