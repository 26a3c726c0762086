import CCurl

/// One call on its way: its libcurl handle, what has arrived, and whom to tell.
///
/// Only the transport's thread touches it after it was submitted.
final class Exchange: @unchecked Sendable {
    /// What all calls of a transport have in common.
    struct Rules: Sendable {
        var policy: EgressPolicy
        var caFile: String?
        var userAgent: String
        var names: [String: [String]] = [:]
        var watcher: HTTPTransport.Watcher?
        var connectTimeout: Duration = .seconds(3)
        var maximumHeaderBytes = 32 << 10
    }

    let id: UInt64
    private let request: Result<HTTPRequest, HTTPFailure>
    private let completion: HTTPTransport.Completion

    private(set) var easy: UnsafeMutableRawPointer?
    private var url: TargetURL?
    private var headerList: UnsafeMutablePointer<curl_slist>?
    private var nameList: UnsafeMutablePointer<curl_slist>?
    private var bodyToSend: UnsafeMutableBufferPointer<UInt8>?

    private var reach = EgressPolicy.Reach.publicAddresses
    private var policy: EgressPolicy?
    private var watcher: HTTPTransport.Watcher?
    private var answer = IncomingAnswer(maximumBodyBytes: 0, maximumHeaderBytes: 0, keepsBody: false)
    private var wasBlocked = false
    /// A read may be repeated by libcurl itself, a write never.
    private var isRepeatable = false
    private var wasBegun = false
    private var wasCutOff = false
    private var wasLetThrough = false

    init(id: UInt64, request: Result<HTTPRequest, HTTPFailure>, completion: @escaping HTTPTransport.Completion) {
        self.id = id
        self.request = request
        self.completion = completion
    }

    deinit {
        if let easy { curl_easy_cleanup(easy) }
        curl_slist_free_all(headerList)
        curl_slist_free_all(nameList)
        bodyToSend?.deallocate()
    }

    /// Judges the call and sets its handle up.
    func prepare(_ rules: Rules) throws(HTTPFailure) -> UnsafeMutableRawPointer {
        let request = try request.get()
        guard request.isWellFormed else { throw .malformedRequest }
        guard let url = TargetURL(request.url) else { throw .blockedURL }
        guard let reach = rules.policy.reach(of: url.origin) else { throw .blockedTarget }
        self.url = url
        self.reach = reach
        policy = rules.policy
        watcher = rules.watcher
        answer = IncomingAnswer(
            maximumBodyBytes: max(1, request.maximumResponseBytes), maximumHeaderBytes: rules.maximumHeaderBytes,
            keepsBody: !request.discardsBody)

        guard let easy = curl_easy_init() else { throw HTTPFailure(.connect, "libcurl gave no handle") }
        self.easy = easy
        do throws(TransportSetupError) {
            try setRules(rules, of: request, to: url, on: easy)
            try setContent(of: request, userAgent: rules.userAgent, on: easy)
            try setCallbacks(on: easy)
        } catch {
            throw HTTPFailure(.connect, "libcurl refused an option of the transport")
        }
        return easy
    }

    func result(_ code: CURLcode) -> Result<HTTPResponse, HTTPFailure> {
        // A name may have allowed and refused addresses: once an allowed one was tried, the failure is what became of it.
        if wasBlocked && !wasLetThrough && code != CURLE_OK { return .failure(.blockedTarget) }
        if answer.isTooLarge { return .failure(.tooLarge) }
        if wasCutOff { return .failure(HTTPFailure(.reset, "the connection ended before the answer")) }
        var status = 0
        var preTransfer: curl_off_t = 0
        ccurl_get_long(easy, CURLINFO_RESPONSE_CODE, &status)
        ccurl_get_offset(easy, CURLINFO_PRETRANSFER_TIME_T, &preTransfer)
        guard code == CURLE_OK else { return .failure(HTTPFailure(code, requestWasSent: preTransfer > 0)) }
        guard status > 0 else { return .failure(HTTPFailure(.reset, "the answer was not HTTP")) }
        return .success(HTTPResponse(status: status, headers: answer.headers, body: answer.body))
    }

    func finish(_ result: Result<HTTPResponse, HTTPFailure>) { completion(result) }

    // MARK: Options

    private func setRules(
        _ rules: Rules, of request: HTTPRequest, to url: TargetURL, on easy: UnsafeMutableRawPointer
    ) throws(TransportSetupError) {
        func set(_ option: CURLoption, _ value: Int, _ name: StaticString) throws(TransportSetupError) {
            try TransportSetupError.check(ccurl_set_long(easy, option, value), name)
        }
        func set(_ option: CURLoption, _ value: String, _ name: StaticString) throws(TransportSetupError) {
            try TransportSetupError.check(ccurl_set_string(easy, option, value), name)
        }

        try TransportSetupError.check(ccurl_set_url(easy, url.handle), "CURLOPT_CURLU")
        try set(CURLOPT_PROTOCOLS_STR, url.origin.scheme, "CURLOPT_PROTOCOLS_STR")
        try set(CURLOPT_REDIR_PROTOCOLS_STR, "https", "CURLOPT_REDIR_PROTOCOLS_STR")
        try set(CURLOPT_DISALLOW_USERNAME_IN_URL, 1, "CURLOPT_DISALLOW_USERNAME_IN_URL")
        try set(CURLOPT_FOLLOWLOCATION, 0, "CURLOPT_FOLLOWLOCATION")
        try set(CURLOPT_MAXREDIRS, 0, "CURLOPT_MAXREDIRS")
        // Empty, not unset: an unset proxy is looked up in the environment.
        try set(CURLOPT_PROXY, "", "CURLOPT_PROXY")
        try set(CURLOPT_NOPROXY, "*", "CURLOPT_NOPROXY")
        try set(CURLOPT_NETRC, 0, "CURLOPT_NETRC")
        try set(CURLOPT_UNRESTRICTED_AUTH, 0, "CURLOPT_UNRESTRICTED_AUTH")
        try set(CURLOPT_NOSIGNAL, 1, "CURLOPT_NOSIGNAL")
        // A header of one answer may not change the way of the next call; cookies, Alt-Svc and decompression are off by default.
        try set(CURLOPT_HSTS_CTRL, 0, "CURLOPT_HSTS_CTRL")

        try set(CURLOPT_SSL_VERIFYPEER, 1, "CURLOPT_SSL_VERIFYPEER")
        try set(CURLOPT_SSL_VERIFYHOST, 2, "CURLOPT_SSL_VERIFYHOST")
        try set(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2), "CURLOPT_SSLVERSION")
        // Takes the place of the system's bundle, not of its directory of hashed certificates: both then count.
        if let caFile = rules.caFile { try set(CURLOPT_CAINFO, caFile, "CURLOPT_CAINFO") }

        try set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_2TLS), "CURLOPT_HTTP_VERSION")
        try set(CURLOPT_HTTP09_ALLOWED, 0, "CURLOPT_HTTP09_ALLOWED")
        // A call that could share a connection still being made waits for it, instead of opening its own.
        if url.origin.scheme == "https" { try set(CURLOPT_PIPEWAIT, 1, "CURLOPT_PIPEWAIT") }

        let timeout = max(1, Int(request.timeout.transportMilliseconds))
        try set(CURLOPT_TIMEOUT_MS, timeout, "CURLOPT_TIMEOUT_MS")
        try set(CURLOPT_CONNECTTIMEOUT_MS, min(timeout, Int(rules.connectTimeout.transportMilliseconds)), "CURLOPT_CONNECTTIMEOUT_MS")
        // Less than this is no progress, whatever is left of the deadline. It counts while the CRM thinks, so it is generous.
        try set(CURLOPT_LOW_SPEED_LIMIT, 1, "CURLOPT_LOW_SPEED_LIMIT")
        try set(CURLOPT_LOW_SPEED_TIME, 120, "CURLOPT_LOW_SPEED_TIME")
        if let addresses = rules.names[url.origin.host], !addresses.isEmpty {
            nameList = curl_slist_append(nil, "\(url.origin.host):\(url.origin.port):\(addresses.joined(separator: ","))")
            try TransportSetupError.check(ccurl_set_pointer(easy, CURLOPT_RESOLVE, nameList), "CURLOPT_RESOLVE")
        }
        if request.method != "HEAD" {
            try TransportSetupError.check(
                ccurl_set_offset(easy, CURLOPT_MAXFILESIZE_LARGE, curl_off_t(max(1, request.maximumResponseBytes))),
                "CURLOPT_MAXFILESIZE_LARGE")
        }
    }

    private func setContent(of request: HTTPRequest, userAgent: String, on easy: UnsafeMutableRawPointer) throws(TransportSetupError) {
        isRepeatable = request.method == "GET" || request.method == "HEAD"
        let carriesBody = !request.body.isEmpty || ["POST", "PUT", "PATCH"].contains(request.method)
        if carriesBody {
            // libcurl reads the body from here until the exchange ends.
            let buffer = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(1, request.body.count))
            _ = buffer.initialize(from: request.body)
            bodyToSend = buffer
            try TransportSetupError.check(ccurl_set_long(easy, CURLOPT_POST, 1), "CURLOPT_POST")
            try TransportSetupError.check(
                ccurl_set_offset(easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(request.body.count)), "CURLOPT_POSTFIELDSIZE_LARGE")
            try TransportSetupError.check(ccurl_set_pointer(easy, CURLOPT_POSTFIELDS, buffer.baseAddress), "CURLOPT_POSTFIELDS")
        } else if request.method == "HEAD" {
            try TransportSetupError.check(ccurl_set_long(easy, CURLOPT_NOBODY, 1), "CURLOPT_NOBODY")
        } else {
            try TransportSetupError.check(ccurl_set_long(easy, CURLOPT_HTTPGET, 1), "CURLOPT_HTTPGET")
        }
        try TransportSetupError.check(ccurl_set_string(easy, CURLOPT_CUSTOMREQUEST, request.method), "CURLOPT_CUSTOMREQUEST")

        let names = Set(request.headers.map { $0.name.lowercased() })
        if !names.contains("user-agent") {
            try TransportSetupError.check(ccurl_set_string(easy, CURLOPT_USERAGENT, userAgent), "CURLOPT_USERAGENT")
        }
        // What libcurl would add by itself: a pause before large bodies, and a content type of forms.
        var lines = ["Expect:"]
        if !names.contains("content-type") { lines.append("Content-Type:") }
        lines += request.headers.map { $0.value.isEmpty ? "\($0.name);" : "\($0.name): \($0.value)" }
        for line in lines {
            guard let list = curl_slist_append(headerList, line) else { throw TransportSetupError("out of memory") }
            headerList = list
        }
        try TransportSetupError.check(ccurl_set_headers(easy, headerList), "CURLOPT_HTTPHEADER")
    }

    // MARK: Callbacks

    private func setCallbacks(on easy: UnsafeMutableRawPointer) throws(TransportSetupError) {
        let user = Unmanaged.passUnretained(self).toOpaque()
        try TransportSetupError.check(
            ccurl_on_body(
                easy, { data, size, count, user in Exchange.from(user)?.answer.take(body: data, size * count) ?? 0 }, user),
            "CURLOPT_WRITEFUNCTION")
        try TransportSetupError.check(
            ccurl_on_header(
                easy, { data, size, count, user in Exchange.from(user)?.answer.take(header: data, size * count) ?? 0 }, user),
            "CURLOPT_HEADERFUNCTION")
        try TransportSetupError.check(
            ccurl_on_socket(
                easy,
                { user, _, address in
                    guard let exchange = Exchange.from(user), let address else { return CURL_SOCKET_BAD }
                    return exchange.openSocket(address)
                }, user),
            "CURLOPT_OPENSOCKETFUNCTION")
        try TransportSetupError.check(
            ccurl_on_request(
                easy, { user, _, _, _, _ in Exchange.from(user)?.begin() == false ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK }, user),
            "CURLOPT_PREREQFUNCTION")
    }

    /// libcurl sends a request again by itself when a connection that it reused ends without an answer. The first may have been read and
    /// acted on, and whether to write a second time is not the transport's to decide.
    private func begin() -> Bool {
        wasCutOff = wasBegun && !isRepeatable
        wasBegun = true
        return !wasCutOff
    }

    private static func from(_ user: UnsafeMutableRawPointer?) -> Exchange? {
        user.map { Unmanaged<Exchange>.fromOpaque($0).takeUnretainedValue() }
    }

    /// The decision about an address falls here, after the resolver and before the first packet, so that no later answer of a name server
    /// can change it.
    private func openSocket(_ address: UnsafeMutablePointer<curl_sockaddr>) -> curl_socket_t {
        guard let ip = IPAddress(ccurl_address(address)) else {
            wasBlocked = true
            return CURL_SOCKET_BAD
        }
        let isAllowed = policy?.permits(ip, within: reach) == true
        watcher?(ip, isAllowed)
        guard isAllowed else {
            wasBlocked = true
            return CURL_SOCKET_BAD
        }
        wasLetThrough = true
        return socket(address.pointee.family, address.pointee.socktype | Int32(SOCK_CLOEXEC.rawValue), address.pointee.protocol)
    }
}
