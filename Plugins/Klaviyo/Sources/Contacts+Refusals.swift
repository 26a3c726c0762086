internal import CRMPluginSDK

/// A profile on its way to Klaviyo, less what Klaviyo did not take so far: one bad field does not cost the record.
struct ProfileDraft: Sendable {
    /// Identifiers from the one that tells most to the one that tells least: people share a phone sooner than an address.
    private static let strongestFirst = ["external_id", "email", "phone_number"]

    private let map: FieldMap
    /// Where a profile's attributes stand in the request, for the pointers of errors.
    private let pointer: String
    private var members: JSONObject
    private var refusals: [Warning]
    /// Identifiers that another profile may have, and what is still to be tried. `nil` until there was a conflict.
    private var trials: [[String]]?
    private var withheld: [String] = []
    private var holder: String?

    init(_ contact: Contact, _ map: FieldMap, pointer: String) throws(CRMError) {
        self.map = map
        self.pointer = pointer
        (members, refusals) = contact.profileAttributes(map)
        guard !identifiers.isEmpty else {
            throw CRMError(
                .invalidArgument, code: "klaviyo.no_identifier", message: "a contact needs an email, an external_id or a phone")
        }
    }

    var attributes: JSONObject {
        var attributes = members
        for name in withheld { attributes[name] = nil }
        return attributes
    }

    /// What was left out and why, once the rest is written.
    var warnings: [Warning] {
        refusals
            + withheld.filter { members[$0] != nil }.map { name in
                Warning(
                    code: CRMError.duplicateProfile, field: map.field(at: [name]),
                    detail: "another profile\(holder.map { " (\($0))" } ?? "") has this identifier and keeps it; the rest was written")
            }
    }

    private var identifiers: [String] { Self.strongestFirst.filter { members[$0] != nil } }

    /// What can be tried after this error; `nil` when nothing can: it is about something else, or about all that says who is meant.
    func next(after error: CRMError) -> ProfileDraft? {
        var next = self
        switch error.code {
        case CRMError.duplicateProfile: return next.withhold(after: error) ? next : nil
        case CRMError.invalid: return next.leaveOut(after: error) ? next : nil
        default: return nil
        }
    }

    /// Klaviyo says that identifiers belong to two profiles, not always which. The strongest stays, because it decides who is meant; of
    /// the others the fewest are withheld with which Klaviyo agrees, so that a phone is not lost over an address.
    private mutating func withhold(after error: CRMError) -> Bool {
        holder = error.details["duplicate_profile_id"]?.stringValue ?? holder
        var left = trials ?? Self.trials(Array(identifiers.dropFirst()), named: error.pointers.compactMap { path(of: $0)?.first })
        guard !left.isEmpty else { return false }
        withheld = left.removeFirst()
        trials = left
        return true
    }

    private static func trials(_ weaker: [String], named: [String]) -> [[String]] {
        let likeliestFirst = weaker.filter(named.contains) + weaker.reversed().filter { !named.contains($0) }
        return likeliestFirst.map { [$0] } + (weaker.count > 1 ? [weaker] : [])
    }

    private mutating func leaveOut(after error: CRMError) -> Bool {
        var isChanged = false
        for path in error.pointers.compactMap({ path(of: $0) }) where remove(path) {
            isChanged = true
            refusals.append(
                Warning(
                    code: error.code, field: map.field(at: path),
                    detail: "Klaviyo does not take the value of this field; the rest was written"))
        }
        // The trials were made for identifiers that are gone.
        if isChanged, trials != nil {
            trials = trials.map { $0.map { $0.filter { members[$0] != nil } }.filter { !$0.isEmpty } }
            withheld.removeAll { members[$0] == nil }
        }
        return isChanged && !identifiers.allSatisfy(withheld.contains)
    }

    private mutating func remove(_ path: [String]) -> Bool {
        guard let first = path.first, let value = members[first] else { return false }
        guard path.count > 1 else {
            members[first] = nil
            return true
        }
        guard var inner = value.objectValue, inner[path[1]] != nil else { return false }
        inner[path[1]] = nil
        members[first] = inner.isEmpty ? nil : .object(inner)
        return true
    }

    /// The attribute that a pointer names. `nil` when it names the whole profile, or something else in the request.
    private func path(of pointer: String) -> [String]? {
        guard pointer.hasPrefix(self.pointer + "/") else { return nil }
        let path = pointer.dropFirst(self.pointer.count + 1).split(separator: "/").prefix(2).map { Self.unescaped($0) }
        return path.isEmpty ? nil : path
    }

    /// RFC 6901, 4.
    private static func unescaped(_ token: Substring) -> String {
        var text = ""
        var rest = token
        while let character = rest.popFirst() {
            guard character == "~", let code = rest.first, code == "0" || code == "1" else {
                text.append(character)
                continue
            }
            rest.removeFirst()
            text.append(code == "0" ? "~" : "/")
        }
        return text
    }
}

extension KlaviyoProvider {
    /// Writes what Klaviyo takes of a profile, and says what that was.
    func writing(
        _ draft: ProfileDraft, _ write: (ProfileDraft) async throws -> HTTPResponse
    ) async throws -> (response: HTTPResponse, written: ProfileDraft) {
        var draft = draft
        // Each round leaves out something else, so there are no more than a profile has fields.
        while true {
            do {
                return (try await write(draft), draft)
            } catch let error as CRMError {
                guard let next = draft.next(after: error) else { throw error }
                draft = next
            }
        }
    }
}
