import CRMCore

extension Sandbox {
    /// What a developer sees who opens the sandbox in a browser.
    func frontPage(_ request: Request) -> Answer {
        let origin = request.origin
        return .json([
            "about": "Google's keys and the CRMs, imitated on loopback. Nothing here reaches the real services.",
            "google": [
                "keys": .string("GET \(origin)/google/jwks"),
                "token": .string("POST \(origin)/google/token with {\"email\": \"ada@shop.test\"}"),
            ],
            "klaviyo": [
                "base_url": .string("\(origin)/klaviyo"),
                "key": "pk_sandbox_ and the merchant's e-mail address; pk_sandbox_noscope_ and the address lacks accounts:read",
                "settings": .string("PUT \(origin)/accounts/klaviyo/ada@shop.test with {\"missing_scopes\": [\"lists:read\"]}"),
            ],
            "salesforce": [
                "base_url": .string("\(origin)/salesforce"),
                "login": "an e-mail address, password sandbox, security token token; or client sandbox_ and the address, secret sandbox",
                "settings": .string("PUT \(origin)/accounts/salesforce/ada@shop.test with {\"daily_requests\": 100}"),
            ],
            "creatio": [
                "instance_url": .string("\(origin)/creatio"),
                "login": "the merchant's e-mail address, password sandbox",
                "oauth": "client_id sandbox_ and the address, client_secret sandbox",
                "sites": "words at the front of the address: core, plain, basic, nocsrf, readonly",
            ],
            "scripted": .array(imitations.compactMap { ($0 as? ScriptedCRM).map { .string("\(origin)/\($0.name)") } }),
            "echo": ["base_url": .string("\(origin)/echo"), "header": "X-Echo-Key: echo_sandbox"],
            "journal": [
                "entries": .string("GET \(origin)/journal?since=0&limit=100&crm=klaviyo&account=ada@shop.test"),
                "summary": .string("GET \(origin)/journal/summary"),
                "clear": .string("DELETE \(origin)/journal"),
            ],
            "script": [
                "add": .string(
                    "POST \(origin)/script with {\"crm\": \"klaviyo\", \"path_prefix\": \"/klaviyo/api/events\", "
                        + "\"answers\": [500, {\"status\": 429, \"retry_after\": 3}, {\"delay_ms\": 800}, {\"cut\": \"after\"}, 200]}"),
                "answers": ScriptedAnswer.guide,
                "list": .string("GET \(origin)/script"),
                "remove": .string("DELETE \(origin)/script or \(origin)/script/{id}"),
            ],
            "clock": [
                "stop": .string("POST \(origin)/clock with {\"stop_at\": \"2026-11-22T10:00:00Z\"}"),
                "advance": .string("POST \(origin)/clock with {\"advance_ms\": 60000}"),
                "system_time": .string("DELETE \(origin)/clock"),
            ],
            "accounts": [
                "list": .string("GET \(origin)/accounts"), "forget": .string("DELETE \(origin)/accounts?crm=klaviyo"),
                "end_sessions": .string("DELETE \(origin)/accounts/salesforce/ada@shop.test/sessions"),
            ],
        ])
    }
}
