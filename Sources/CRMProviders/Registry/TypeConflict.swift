import CRMCore

/// One file wants the type that another already serves.
struct TypeConflict: Sendable {
    let type: CRMType
    let owner: String

    var error: LibraryError { LibraryError(.crmTypeTaken, "its crm_type \(type) is already provided by \(owner)") }

    /// The files, by name, that wait for each other in a ring: each could have what it wants if all moved at once.
    static func cycles(_ conflicts: [String: TypeConflict]) -> Set<String> {
        Set(
            conflicts.keys.filter { start in
                var place = conflicts[start]?.owner
                for _ in conflicts {
                    guard let here = place, here != start else { break }
                    place = conflicts[here]?.owner
                }
                return place == start
            })
    }
}
