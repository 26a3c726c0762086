internal import CRMCore

/// Credentials as they are encrypted: JSON that repeats which connection they belong to, padded so that its length says nothing about
/// the kind of token.
struct CredentialEnvelope {
    private static let block = 256

    /// What a row's key is derived for.
    static func purpose(_ merchant: MerchantID, _ integration: IntegrationID, _ type: CRMType, version: Int64) -> String {
        "crm-cred/v1|\(merchant)|\(integration)|\(type)|\(version)"
    }

    static func wrap(_ credentials: Secret, of integration: IntegrationID) -> Secret {
        credentials.withBytes { bytes in
            let text = head(integration) + bytes + tail
            let padding = (block - text.count % block) % block
            return Secret(text + Array(repeating: UInt8(ascii: " "), count: padding))
        }
    }

    /// `nil` when it is another connection's, or nothing that `wrap` made.
    static func unwrap(_ plaintext: [UInt8], of integration: IntegrationID) -> Secret? {
        let head = head(integration)
        let end = plaintext.lastIndex { $0 != UInt8(ascii: " ") }.map { $0 + 1 } ?? 0
        let text = plaintext[..<end]
        guard plaintext.count.isMultiple(of: block), text.starts(with: head), text.suffix(tail.count).elementsEqual(tail),
            text.count >= head.count + tail.count
        else { return nil }
        return Secret(text.dropFirst(head.count).dropLast(tail.count))
    }

    private static func head(_ integration: IntegrationID) -> [UInt8] {
        Array(#"{"v":1,"integration_id":"\#(integration)","credentials":"#.utf8)
    }

    private static let tail = Array("}".utf8)
}
