internal import CRMCore

/// Why a request gets no answer of its own: the body of every error (RFC 9457).
struct Problem: Error, Sendable {
    var code: ProblemCode
    /// What is wrong with this request, for people. Holds no secret that the client sent.
    var detail: String
    var errors: [SchemaViolation] = []
    var headers: [(name: String, value: String)] = []
    /// The provider's own code, when a CRM said no: `klaviyo.invalid_phone`.
    var providerCode: String?

    init(_ code: ProblemCode, _ detail: String, errors: [SchemaViolation] = []) {
        self.code = code
        self.detail = detail
        self.errors = errors
    }

    func retry(after pause: Duration) -> Problem {
        var problem = self
        problem.headers.append(("Retry-After", String(max(1, pause.secondsRoundedUp))))
        return problem
    }

    func body(requestID: String) -> JSONValue {
        var members: JSONObject = [
            "type": .string("urn:crm-service:problem:\(code.rawValue)"), "title": .string(code.title), "status": .integer(code.status),
            "detail": .string(detail), "code": .string(code.rawValue), "request_id": .string(requestID),
        ]
        members.set("provider_code", providerCode)
        if !errors.isEmpty {
            members["errors"] = .array(
                errors.map { ["pointer": .string($0.pointer), "code": .string($0.code.rawValue), "detail": .string($0.detail)] })
        }
        return .object(members)
    }
}

extension Problem {
    /// Input that breaks its shape. What is only about unknown fields has the code of its own that the contract gives it.
    init(_ invalid: InvalidInput, below prefix: String = "") {
        // A body can be wrong in thousands of places; the first hundred are enough to find the mistake.
        let shown = invalid.violations.prefix(100).map { $0.below(prefix) }
        let onlyUnknown = invalid.violations.allSatisfy { $0.code == .unknownField }
        let places = shown.prefix(3).map { "\($0.pointer.isEmpty ? "the body" : $0.pointer) \($0.detail)" }.joined(separator: "; ")
        self.init(
            onlyUnknown ? .unknownField : .invalidInput, places + (invalid.violations.count > 3 ? "; and more" : ""), errors: Array(shown))
    }

    init(_ error: JSONError) {
        self.init(.invalidJSON, "At byte \(error.offset) the body \(error.detail).")
    }
}
