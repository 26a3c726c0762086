internal import CRMPluginAPI

/// HTTP through the host, on behalf of one operation: its deadline and its cancellation apply.
public struct HTTPClient: Sendable {
    private let service: HostTable<crm_http_service_v1>?
    private let clock: HostClock
    private let operationID: UInt64

    init(_ services: HostServices, operationID: UInt64) {
        service = services.http
        clock = HostClock(services.timer)
        self.operationID = operationID
    }

    /// Any answer of the CRM is returned; that there was none is thrown as the `CRMError` that the host acts on.
    public func send(_ request: HTTPRequest) async throws -> HTTPResponse {
        guard let service else {
            throw CRMError(.internal, code: "no_http", message: "the host offers no \(CRM_HTTP_SERVICE_ID)")
        }
        try Task.checkCancellation()
        let answer = await HostCall<HTTPAnswer>.answer(
            start: { user in
                request.lend(operationID: operationID) { borrowed in
                    service.table.send(service.table.ctx, borrowed, user) { user, response in
                        HostCall<HTTPAnswer>.finish(user, HTTPAnswer(copying: response.pointee))
                    }
                }
            },
            cancel: { id in
                service.table.cancel(service.table.ctx, id)
                return .answersSoon
            })
        switch answer {
        case .response(let status, let headers, let body):
            return HTTPResponse(status: status, headers: headers, body: body, receivedAt: clock.wallNanoseconds)
        case .noResponse(let transportError): throw CRMError(transportError: transportError, changesData: request.changesData)
        }
    }
}

private enum HTTPAnswer: Sendable {
    case response(status: Int, headers: [HTTPHeader], body: [UInt8])
    case noResponse(Int32)

    init(copying response: crm_http_response_v1) {
        guard response.transport_error == CRM_HTTP_ERROR_NONE else {
            self = .noResponse(response.transport_error)
            return
        }
        let headers = UnsafeBufferPointer(start: response.headers, count: response.headers == nil ? 0 : response.header_count).map {
            HTTPHeader($0.name.copy, $0.value.copy, isSensitive: $0.flags & CRM_HTTP_HEADER_SENSITIVE != 0)
        }
        self = .response(status: Int(response.status), headers: headers, body: response.body.copy)
    }
}

extension HTTPRequest {
    fileprivate func lend<Result>(operationID: UInt64, _ use: (UnsafePointer<crm_http_request_v1>) -> Result) -> Result {
        var texts = BorrowedTexts(capacity: body.count + 512)
        let method = texts.append(method.rawValue.utf8)
        let url = texts.append(url.utf8)
        let route = texts.append(route.utf8)
        let body = texts.append(body)
        let fields = headers.map { (name: texts.append($0.name.utf8), value: texts.append($0.value.utf8), isSensitive: $0.isSensitive) }
        return texts.storage.withUnsafeBytes { memory in
            let headers = fields.map { field in
                crm_http_header_v1(
                    name: memory.text(field.name), value: memory.text(field.value),
                    flags: field.isSensitive ? CRM_HTTP_HEADER_SENSITIVE : 0, reserved: 0)
            }
            return headers.withUnsafeBufferPointer { headers in
                var request = crm_http_request_v1(
                    struct_size: UInt32(MemoryLayout<crm_http_request_v1>.size), flags: 0, op_id: operationID,
                    method: memory.text(method), url: memory.text(url), route: memory.text(route),
                    headers: headers.isEmpty ? nil : headers.baseAddress, header_count: headers.count, body: memory.bytes(body),
                    timeout_ms: timeout?.abiMilliseconds ?? 0, max_response_bytes: maximumResponseBytes ?? 0)
                return use(&request)
            }
        }
    }
}
