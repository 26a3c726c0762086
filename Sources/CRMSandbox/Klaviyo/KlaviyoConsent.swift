import CRMCore

/// Marketing consent of one profile, e-mail and SMS, as `additional-fields[profile]=subscriptions` shows it.
struct KlaviyoConsent {
    struct Channel {
        var consent = "NEVER_SUBSCRIBED"
        var since: Timestamp?
        var changed: Timestamp?
        var source: String?
        /// The person confirmed, which only lists with double opt-in ask for.
        var isConfirmed = false
    }

    var email = Channel()
    var sms = Channel()

    /// `ban` is a suppression for another reason than what the person said, since `created`.
    func json(ban: String?, since created: Timestamp) -> JSONValue {
        var suppressions: [JSONValue] = []
        if email.consent == "UNSUBSCRIBED" {
            suppressions.append(["reason": "UNSUBSCRIBE", "timestamp": .optional(email.changed.map(KlaviyoTime.text))])
        }
        if let ban { suppressions.append(["reason": .string(ban), "timestamp": .string(KlaviyoTime.text(created))]) }
        let isSuppressed = !suppressions.isEmpty
        var emailMembers: JSONObject = ["can_receive_email_marketing": .bool(!isSuppressed)]
        for (name, value) in email.members { emailMembers[name] = value }
        emailMembers["custom_method_detail"] = .optional(email.source)
        emailMembers["double_optin"] = email.consent == "SUBSCRIBED" ? .bool(email.isConfirmed) : .null
        emailMembers["suppression"] = .array(suppressions)
        emailMembers["list_suppressions"] = []
        var smsMembers: JSONObject = ["can_receive_sms_marketing": .bool(sms.consent == "SUBSCRIBED")]
        for (name, value) in sms.members { smsMembers[name] = value }
        return [
            "email": ["marketing": .object(emailMembers)],
            "sms": ["marketing": .object(smsMembers)],
            "mobile_push": [
                "marketing": ["can_receive_push_marketing": false, "consent": "NEVER_SUBSCRIBED", "consent_timestamp": .null]
            ],
        ]
    }
}

extension KlaviyoConsent.Channel {
    fileprivate var members: JSONObject {
        [
            "consent": .string(consent), "consent_timestamp": .optional(since.map(KlaviyoTime.text)),
            "last_updated": .optional(changed.map(KlaviyoTime.text)), "method": changed == nil ? .null : "API",
            "method_detail": .optional(source),
        ]
    }
}
