internal import CRMPluginAPI

extension FakeHTTP {
    /// A header as it crosses the boundary.
    package struct Header: Sendable, Hashable {
        package let name: String
        package let value: String
        package let isSensitive: Bool

        package init(_ name: String, _ value: String, isSensitive: Bool = false) {
            self.name = name
            self.value = value
            self.isSensitive = isSensitive
        }
    }

    /// What the provider sent.
    package struct Request: Sendable {
        /// From 1, in the order of sending.
        package let id: UInt64
        package let operation: UInt64
        package let method: String
        package let url: String
        package let route: String
        package let headers: [Header]
        package let body: [UInt8]
        package let timeoutMilliseconds: UInt32
        package let maximumResponseBytes: UInt32
        package let flags: UInt32

        package var bodyText: String { body.text }
        /// The first header of exactly that name.
        package func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }

        init(_ request: crm_http_request_v1, id: UInt64) {
            self.id = id
            operation = request.op_id
            method = request.method.copied
            url = request.url.copied
            route = request.route.copied
            headers = UnsafeBufferPointer(start: request.headers, count: request.headers == nil ? 0 : request.header_count).map {
                Header($0.name.copied, $0.value.copied, isSensitive: $0.flags & CRM_HTTP_HEADER_SENSITIVE != 0)
            }
            body = request.body.copied
            timeoutMilliseconds = request.timeout_ms
            maximumResponseBytes = request.max_response_bytes
            flags = request.flags
        }
    }

    /// What a script says to a request.
    package enum Reply: Sendable {
        case response(Int, [(String, String)], [UInt8])
        /// One of `CRM_HTTP_ERROR_*`.
        case failure(Int32)
        /// No answer until the test gives one (`FakeHTTP.answer`) or the request is cancelled.
        case silence

        package static func status(_ status: Int) -> Reply { .response(status, [], []) }
    }
}

extension FakeHTTP.Reply {
    /// Lends the response for the duration of `use`.
    func lend(_ use: (UnsafePointer<crm_http_response_v1>) -> Void) {
        var response = crm_http_response_v1()
        response.struct_size = UInt32(MemoryLayout<crm_http_response_v1>.size)
        switch self {
        case .silence: break
        case .failure(let error):
            response.transport_error = error
            use(&response)
        case .response(let status, let headers, let body):
            response.status = UInt32(clamping: status)
            let texts = headers.map { (Array($0.0.utf8), Array($0.1.utf8)) }
            LentMemory.lend([body] + texts.flatMap { [$0.0, $0.1] }) { memory in
                response.body = memory.bytes(body)
                let fields = texts.map { crm_http_header_v1(name: memory.text($0.0), value: memory.text($0.1), flags: 0, reserved: 0) }
                fields.withUnsafeBufferPointer { fields in
                    response.headers = fields.baseAddress
                    response.header_count = fields.count
                    use(&response)
                }
            }
        }
    }
}
