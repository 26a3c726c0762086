/// Which contact to read (`schemas/get_contact.request.json`).
public enum ContactQuery: Sendable, Hashable {
    case email(String)
    case externalID(String)
    /// The CRM's own id.
    case remoteID(String)

    init(_ reader: PayloadReader) throws(CRMError) {
        if let id = try reader.string("remote_id").nonEmpty {
            self = .remoteID(id)
        } else if let id = try reader.string("external_id").nonEmpty {
            self = .externalID(id)
        } else if let email = try reader.string("email").nonEmpty {
            self = .email(email)
        } else {
            throw CRMError(
                .invalidArgument, code: "invalid_payload", message: "the payload names no email, external_id or remote_id",
                details: ["pointer": ""])
        }
    }
}
