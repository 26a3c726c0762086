import CRMCore

/// One error of Klaviyo's JSON:API envelope.
struct KlaviyoRefusal: Error {
    enum Source {
        /// Into the body.
        case pointer(String)
        /// A query parameter.
        case parameter(String)
    }

    let status: Int
    let code: String
    let title: String
    let detail: String
    var source: Source?
    var duplicateProfileID: String?
    var retryAfter: Int?

    static func invalid(_ detail: String, at pointer: String) -> KlaviyoRefusal {
        KlaviyoRefusal(status: 400, code: "invalid", title: "Invalid input.", detail: detail, source: .pointer(pointer))
    }

    static func invalidParameter(_ name: String, _ detail: String) -> KlaviyoRefusal {
        KlaviyoRefusal(status: 400, code: "invalid", title: "Invalid input.", detail: detail, source: .parameter(name))
    }

    static func notFound(_ detail: String, at pointer: String? = nil) -> KlaviyoRefusal {
        KlaviyoRefusal(status: 404, code: "not_found", title: "Not found.", detail: detail, source: pointer.map(Source.pointer))
    }

    static func duplicate(of profileID: String) -> KlaviyoRefusal {
        KlaviyoRefusal(
            status: 409, code: "duplicate_profile", title: "Conflict.",
            detail: "Another profile has one of these identifiers.", source: .pointer("/data/attributes"), duplicateProfileID: profileID)
    }

    static func tooLarge(_ limit: Int) -> KlaviyoRefusal {
        KlaviyoRefusal(
            status: 413, code: "payload_too_large", title: "Payload too large.", detail: "The payload holds at most \(limit) bytes.",
            source: .pointer("/data/"))
    }

    static func throttled(retryAfter: Int) -> KlaviyoRefusal {
        KlaviyoRefusal(
            status: 429, code: "throttled", title: "Request was throttled.",
            detail: "Request was throttled. Expected available in \(retryAfter) second\(retryAfter == 1 ? "" : "s").",
            source: .pointer("/data/"), retryAfter: retryAfter)
    }

    /// `id` tells one error from another, as Klaviyo's support asks for it.
    func answer(id: String) -> Answer {
        var error: JSONObject = [
            "id": .string(id), "status": .integer(status), "code": .string(code), "title": .string(title), "detail": .string(detail),
        ]
        switch source {
        case .pointer(let pointer): error["source"] = ["pointer": .string(pointer)]
        case .parameter(let name): error["source"] = ["parameter": .string(name)]
        case nil: error["source"] = [:]
        }
        error["links"] = [:]
        error["meta"] = duplicateProfileID.map { ["duplicate_profile_id": .string($0)] } ?? [:]
        let answer = Answer.json(["errors": [.object(error)]], status: status, mediaType: Klaviyo.mediaType)
        return retryAfter.map { answer.with(header: "Retry-After", String($0)) } ?? answer
    }
}
