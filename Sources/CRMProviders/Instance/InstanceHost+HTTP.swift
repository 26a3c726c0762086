import CRMPluginAPI
import CRMTransport

extension InstanceHost {
    /// Without an operation there is no deadline to inherit.
    private static let backgroundTimeout = Duration.seconds(30)
    fileprivate static let maximumResponseBytes = 64 << 20
    private static let maximumRouteBytes = 64

    func sendHTTP(
        _ request: UnsafePointer<crm_http_request_v1>, _ user: UnsafeMutableRawPointer?, _ done: @escaping crm_http_done_fn
    ) -> UInt64 {
        let id = transport.makeID()
        let refuse: (HTTPFailure) -> Void = { [self] failure in
            start(.failure(failure), id: id, operation: 0, isPinned: update { $0.pin() }, user, done)
        }
        let size = UnsafeRawPointer(request).loadUnaligned(as: UInt32.self)
        guard Int(size) == MemoryLayout<crm_http_request_v1>.size else {
            refuse(HTTPFailure(.blocked, "the request has another size than this host's: built with another header"))
            return id
        }
        let operation = request.pointee.op_id
        guard request.pointee.isModest else {
            conduct.count(.wrongCall, ["op_id": "\(operation)", "body_bytes": "\(request.pointee.body.len)"])
            refuse(HTTPFailure(.blocked, "the request is larger than the host sends"))
            return id
        }
        var call = HTTPRequest(request.pointee)
        var route = borrowedText(request.pointee.route, limit: Self.maximumRouteBytes)
        // What was no text has grown.
        while route.utf8.count > Self.maximumRouteBytes { route.unicodeScalars.removeLast() }
        guard operation != 0 else {
            call.timeout = request.pointee.timeout_ms == 0 ? Self.backgroundTimeout : min(call.timeout, Self.backgroundTimeout)
            start(.success(call), id: id, operation: 0, route: route, isPinned: false, user, done)
            return id
        }

        // Admitted and started under one lock, so that a cancellation that comes between finds the call to cancel. The operation may end
        // before the answer is given, so the instance is held open for it.
        update { ledger in
            let isPinned = ledger.pin()
            switch ledger.admit(request: id, of: operation) {
            case .granted(let deadline, let traceparent):
                let left = Duration.nanoseconds(max(0, deadline - monotonicNanoseconds()))
                call.timeout = request.pointee.timeout_ms == 0 ? left : min(call.timeout, left)
                if let traceparent, !call.headers.contains(where: { $0.name.lowercased() == "traceparent" }) {
                    call.headers.append(HTTPHeader("traceparent", traceparent))
                }
                start(.success(call), id: id, operation: operation, route: route, isPinned: isPinned, user, done)
            case .cancelled:
                start(.failure(.cancelled), id: id, operation: 0, isPinned: isPinned, user, done)
            case .unknownOperation:
                let failure = HTTPFailure(.blocked, "op_id names no operation of this provider that is in flight")
                start(.failure(failure), id: id, operation: 0, isPinned: isPinned, user, done)
            }
        }
        return id
    }

    /// `isPinned`: the caller has pinned the instance; the pin goes when the answer was given.
    private func start(
        _ request: Result<HTTPRequest, HTTPFailure>, id: UInt64, operation: UInt64, route: String = "", isPinned: Bool,
        _ user: UnsafeMutableRawPointer?, _ done: @escaping crm_http_done_fn
    ) {
        let user = ProviderPointer(user)
        let begin = monotonicNanoseconds()
        let completion: HTTPTransport.Completion = { [self] result in
            recordHTTP(route: route, result, nanoseconds: monotonicNanoseconds() - begin)
            let status = try? result.get().status
            if operation != 0 { update { $0.ended(request: id, of: operation, status: status) } }
            guard isPinned else { return withPin { result.lend(to: { done(user.address, $0) }) } }
            result.lend(to: { done(user.address, $0) })
            update { $0.release() }
        }
        let isTaken =
            switch request {
            case .success(let request): transport.start(request, id: id, completion: completion)
            case .failure(let failure): transport.refuse(failure, id: id, completion: completion)
            }
        // Elsewhere and later, as always: the ledger may be locked here.
        if !isTaken { threads.workers.submit { completion(.failure(.cancelled)) } }
    }
}

extension crm_http_request_v1 {
    /// Small enough to be copied.
    fileprivate var isModest: Bool {
        guard body.len <= 32 << 20, url.len <= 16_384, method.len <= 64, header_count <= 200 else { return false }
        let headers = UnsafeBufferPointer(start: headers, count: headers == nil ? 0 : header_count)
        return headers.allSatisfy { $0.name.len <= 256 && $0.value.len <= 65_536 }
    }
}

extension HTTPRequest {
    /// A copy of what the provider lends.
    fileprivate init(_ request: crm_http_request_v1) {
        let headers = UnsafeBufferPointer(start: request.headers, count: request.headers == nil ? 0 : request.header_count)
        self.init(
            method: borrowedText(request.method),
            url: borrowedText(request.url),
            headers: headers.map { HTTPHeader(borrowedText($0.name), borrowedText($0.value)) },
            body: borrowedBytes(request.body),
            timeout: .milliseconds(Int64(request.timeout_ms)),
            maximumResponseBytes: request.max_response_bytes == 0
                ? Self.standardResponseLimit : min(Int(request.max_response_bytes), InstanceHost.maximumResponseBytes),
            discardsBody: request.flags & UInt32(CRM_HTTP_NO_RESPONSE_BODY) != 0)
    }
}

extension Result<HTTPResponse, HTTPFailure> {
    /// Lends the answer in the ABI's form.
    fileprivate func lend(to receive: (UnsafePointer<crm_http_response_v1>) -> Void) {
        var loan = Loan()
        let (status, error, message, body, headers): (UInt32, Int32, Loan.Piece, Loan.Piece, [(name: Loan.Piece, value: Loan.Piece)])
        switch self {
        case .success(let response):
            (status, error) = (UInt32(clamping: response.status), CRM_HTTP_ERROR_NONE)
            message = loan.add("")
            body = loan.add(response.body)
            headers = response.headers.map { (loan.add($0.name), loan.add($0.value)) }
        case .failure(let failure):
            (status, error) = (0, failure.code.rawValue)
            message = loan.add(failure.message)
            body = loan.add("")
            headers = []
        }
        loan.withPointers { pointers in
            let list = headers.map {
                crm_http_header_v1(name: pointers.string($0.name), value: pointers.string($0.value), flags: 0, reserved: 0)
            }
            list.withUnsafeBufferPointer { list in
                var response = crm_http_response_v1(
                    struct_size: UInt32(MemoryLayout<crm_http_response_v1>.size), transport_error: error, status: status, reserved: 0,
                    headers: list.baseAddress, header_count: list.count, body: pointers.bytes(body), error_message: pointers.string(message)
                )
                receive(&response)
            }
        }
    }
}
