internal import CRMPluginSDK

/// What a site says, whatever its status claims: errors come under 200 too.
struct Answer: Sendable {
    enum Body: Sendable {
        case empty
        case json(JSONValue)
        /// Markup, with whether it is the page where people log in.
        case page(isLogin: Bool)
        case other
    }

    /// Who speaks, by the form of the words.
    enum Speaker: Sendable {
        /// `{"error": …}`
        case oData
        /// An exception that nobody caught.
        case exception
        /// The router below OData, which knows no such object, or none yet.
        case router
        /// Whoever ends sessions.
        case sessionKeeper
        /// A page, of the site's or of what stands in front of it.
        case page
        /// No error in any form that is known.
        case nobody
    }

    let status: Int
    let body: Body
    let retryAfter: Duration?
    /// What the call showed to the site, which may quote it.
    private let secrets: [String]

    init(_ response: HTTPResponse, hiding secrets: [String] = []) {
        self.secrets = secrets
        status = response.status
        retryAfter = response.retryAfter
        body = Body(response.body)
    }

    /// One part of a batch. `nil` when it has no status.
    init?(part: JSONValue, hiding secrets: [String]) {
        guard let status = part["status"]?.intValue else { return nil }
        self.secrets = secrets
        self.status = status
        let headers = part["headers"]?.objectValue ?? [:]
        let wait = headers.first { $0.key.lowercased() == "retry-after" }?.value
        retryAfter = (wait?.intValue ?? wait?.stringValue.flatMap { Int($0) }).flatMap { $0 >= 0 ? .seconds($0) : nil }
        switch part["body"] {
        case nil, .null?: body = .empty
        case .string(let text)?: body = Body(Array(text.utf8))
        case let value?: body = .json(value)
        }
    }

    private var object: JSONObject? { if case .json(let value) = body { value.objectValue } else { nil } }

    var speaker: Speaker {
        if case .page = body { return .page }
        guard let object else { return .nobody }
        if object["error"]?.objectValue != nil { return .oData }
        guard let message = object["Message"]?.stringValue, !isRecord else { return .nobody }
        // The whole text, for another may speak of authentication too.
        if message == "Authentication failed." { return .sessionKeeper }
        if let detail = object["MessageDetail"]?.stringValue, object.count == 2,
            message.hasPrefix("No HTTP resource was found") || detail.hasPrefix("No type was found that matches the controller")
        {
            return .router
        }
        return .exception
    }

    /// A record may have a column called `Message`, an error has none of these.
    private var isRecord: Bool { object?["Id"] != nil || object?["@odata.context"] != nil || object?["value"] != nil }

    /// 401 is an ended session. So may be 403 (a token against forged requests that the site no longer takes), and a page or a
    /// redirection to where people log in. Once a new session has not helped against 403 the next one does not either, and what OData
    /// says is about rights.
    func asksForLogin(in session: Session) -> Bool {
        if status == 403 { return !isRefusalByOData && !session.followsForbidden }
        if status == 401 || (300...399).contains(status) && status != 304 { return true }
        if case .page(isLogin: true) = body { return true }
        return speaker == .sessionKeeper
    }

    /// OData is here, but this user may not read what was asked for.
    var isRefusalByOData: Bool { status == 403 && speaker == .oData }

    /// Nothing at all is at this place.
    var isNowhere: Bool {
        if case .page = body { return status == 404 }
        return status == 404 && speaker == .nobody
    }

    var rows: [JSONValue]? { isGood ? object?["value"]?.arrayValue : nil }

    var isGood: Bool { (200...299).contains(status) && (speaker == .nobody) }

    /// The words of an error, wherever they stand. May quote customers.
    var words: String {
        guard let object else { return "" }
        let error = object["error"]
        let texts = [
            error?["message"]?.stringValue, error?["innererror"]?["message"]?.stringValue, object["Message"]?.stringValue,
            object["ExceptionMessage"]?.stringValue, object["error_description"]?.stringValue, object["Exception"]?["Message"]?.stringValue,
        ]
        return texts.compactMap { $0 }.filter { !$0.isEmpty }.joined(separator: " ").without(secrets)
    }

    /// The error's code, where it has one.
    var vendorCode: String? {
        guard let object else { return nil }
        let code = object["error"]?["code"]?.stringValue ?? object["error"]?.stringValue ?? object["ExceptionType"]?.stringValue
        return code.flatMap { $0.isEmpty ? nil : $0.without(secrets) }
    }

    /// What the call wanted, or `nil` when this is no answer to it.
    func result(of call: Call) -> JSONValue? {
        guard isGood else { return nil }
        switch call.expects {
        case .rows: return rows.map(JSONValue.array)
        case .parts: return object?["responses"]?.arrayValue.map(JSONValue.array)
        case .record, .inserted: return object?["Id"]?.stringValue == nil ? nil : object.map(JSONValue.object)
        case .updated:
            if case .empty = body { return status == 204 ? .null : nil }
            return isRecord ? .null : nil
        }
    }
}

extension Answer.Body {
    /// What it says it is does not count: pages come as JSON, and JSON comes as text.
    fileprivate init(_ bytes: [UInt8]) {
        let content = bytes.trimmed
        switch content.first {
        case nil: self = .empty
        case UInt8(ascii: "<")?:
            let text = String(decoding: content.prefix(65_536), as: UTF8.self)
            self = .page(isLogin: text.contains("/Login/") || text.contains("\"bootstrap.login\""))
        case _?: self = (try? JSONValue(parsing: Array(content))).map(Answer.Body.json) ?? .other
        }
    }
}

extension [UInt8] {
    /// Without a byte-order mark and white space around it.
    fileprivate var trimmed: ArraySlice<UInt8> {
        var rest = self[...]
        if rest.starts(with: [0xEF, 0xBB, 0xBF]) { rest = rest.dropFirst(3) }
        rest = rest.drop { [0x20, 0x09, 0x0A, 0x0D].contains($0) }
        while let last = rest.last, [0x20, 0x09, 0x0A, 0x0D].contains(last) { rest.removeLast() }
        return rest
    }
}

extension String {
    fileprivate func without(_ secrets: [String]) -> String {
        secrets.reduce(self) { text, secret in
            let parts = Array(text.utf8).parts(between: Array(secret.utf8))
            return parts.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "[redacted]")
        }
    }
}

extension [UInt8] {
    fileprivate func parts(between separator: [UInt8]) -> [ArraySlice<UInt8>] {
        guard !separator.isEmpty else { return [self[...]] }
        var parts: [ArraySlice<UInt8>] = []
        var (start, position) = (0, 0)
        while position + separator.count <= count {
            if self[position..<position + separator.count].elementsEqual(separator) {
                parts.append(self[start..<position])
                position += separator.count
                start = position
            } else {
                position += 1
            }
        }
        return parts + [self[start...]]
    }
}
