import CRMPluginAPI

/// What an operation of one provider needs, and what its CRM answers.
struct Scenario {
    struct Answer {
        /// Part of the URLs that get this answer.
        let url: String
        let status: UInt32
        let contentType: [UInt8]
        let body: [UInt8]

        init(_ url: String, _ status: UInt32, _ contentType: String, _ body: String) {
            self.url = url
            self.status = status
            self.contentType = Array(contentType.utf8)
            self.body = Array(body.utf8)
        }
    }

    let credentials: String
    var config = "{}"
    let answers: [Answer]

    /// The same events for every provider: what a merchant must say, and what a shop usually says.
    static let events = [
        ("a small event", #"{"event":{"name":"Order Placed","unique_id":"order-1001","contact":{"email":"ada@example.test"}}}"#),
        (
            "a full event",
            """
            {"event":{"name":"Order Placed","occurred_at":"2026-11-01T10:00:00Z","unique_id":"order-1001","value":{"amount":"19.98",\
            "currency":"EUR"},"contact":{"email":"ada@example.test","first_name":"Ada","last_name":"Lovelace"},\
            "properties":{"order_id":"1001","items":2,"coupon":"WELCOME"}}}
            """
        ),
    ]

    /// By `crm_type`. Of a provider that is not here only the loading is measured.
    static let known: [String: Scenario] = [
        "echo": Scenario(
            credentials: #"{"api_key":"echo_sandbox"}"#, config: #"{"base_url":"http://127.0.0.1:8003/echo"}"#,
            answers: [Answer("", 201, "application/json", #"{"id":"e-1"}"#)]),
        "klaviyo": Scenario(
            credentials: #"{"api_key":"pk_0123456789abcdefghijklmnopqrstuvwx"}"#, answers: [Answer("", 202, "application/json", "")]),
    ]
}

extension Scenario.Answer {
    func lend(_ use: (UnsafePointer<crm_http_response_v1>) -> Void) {
        let name: StaticString = "content-type"
        contentType.withUnsafeBytes { type in
            body.withUnsafeBufferPointer { body in
                var header = crm_http_header_v1(
                    name: crm_str(ptr: UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self), len: name.utf8CodeUnitCount),
                    value: crm_str(ptr: type.baseAddress?.assumingMemoryBound(to: CChar.self), len: type.count), flags: 0, reserved: 0)
                withUnsafePointer(to: &header) { header in
                    var response = crm_http_response_v1(
                        struct_size: 64, transport_error: CRM_HTTP_ERROR_NONE, status: status, reserved: 0, headers: header,
                        header_count: 1, body: crm_bytes(ptr: body.baseAddress, len: body.count), error_message: crm_str())
                    use(&response)
                }
            }
        }
    }
}
