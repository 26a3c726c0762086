import CRMCore

extension ScriptedAnswer {
    /// An answer that does not come from what was asked.
    struct Fixed {
        static let members: Set<String> = ["status", "code", "retry_after", "headers", "body", "content_type", "page", "performed"]

        var status: Int
        /// The service's own code of an error, where its words have one.
        var code: String?
        var retryAfter: Int?
        var headers: [(name: String, value: String)] = []
        /// Without one, the imitated service's own words for the status.
        var body: (content: [UInt8], mediaType: String)?
        /// What was asked is done all the same.
        var isPerformed = false

        init(status: Int) { self.status = status }

        func answer(to request: Request, in imitation: any Imitation) -> Answer {
            guard let body else {
                var answer = imitation.scriptedAnswer(to: request, status: status, code: code, retryAfter: retryAfter)
                answer.headers += headers
                return answer
            }
            var answer = Answer(status: status, headers: [("Content-Type", body.mediaType)] + headers, body: body.content)
            if let retryAfter { answer.headers.append(("Retry-After", String(retryAfter))) }
            return answer
        }
    }
}

extension ScriptedAnswer.Fixed {
    /// Bodies that come from no service of this kind.
    private static let pages: [String: (status: Int, mediaType: String, content: String)] = [
        "html": (
            502, "text/html; charset=utf-8",
            "<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head><body><h1>Bad Gateway</h1><p>sandbox</p></body></html>\n"
        ),
        "malformed": (200, "application/json", "{\"data\": [{\"id\": \"1\", "),
        "empty": (200, "application/json", ""),
    ]

    /// `nil` when the object asks for no answer of its own.
    init?(_ object: JSONObject) throws(SetupError) {
        guard ["status", "code", "body", "page"].contains(where: { object[$0] != nil }) else {
            if let stray = object.keys.first(where: { Self.members.contains($0) }) {
                throw SetupError("`\(stray)` stands beside `status`, `code`, `body` or `page`.")
            }
            return nil
        }
        var page: (status: Int, mediaType: String, content: String)?
        if let name = object["page"] {
            guard let known = name.stringValue.flatMap({ Self.pages[$0] }), object["body"] == nil else {
                throw SetupError("`page` is one of \(Self.pages.keys.sorted().joined(separator: ", ")), and stands in the place of `body`.")
            }
            page = known
        }
        let usual = page?.status ?? (object["code"] == nil ? 200 : 400)
        guard let status = (object["status"] ?? .integer(usual)).intValue, (200...599).contains(status) else {
            throw SetupError("`status` is a number from 200 to 599.")
        }
        self.init(status: status)
        if let name = object["code"] {
            guard let text = name.stringValue else { throw SetupError("`code` is a string, the service's own code of an error.") }
            code = text
        }
        if let wait = object["retry_after"] {
            guard let seconds = wait.intValue, seconds >= 0 else { throw SetupError("`retry_after` is a number of seconds.") }
            retryAfter = seconds
        }
        if let performed = object["performed"] {
            guard let flag = performed.boolValue else { throw SetupError("`performed` is true or false.") }
            isPerformed = flag
        }
        headers = try Self.headers(object)
        if let content = object["body"] {
            let bytes = content.stringValue.map { Array($0.utf8) } ?? content.serialized()
            body = (bytes, object["content_type"]?.stringValue ?? "application/json")
        } else if let page {
            body = (Array(page.content.utf8), object["content_type"]?.stringValue ?? page.mediaType)
        }
    }

    private static func headers(_ object: JSONObject) throws(SetupError) -> [(name: String, value: String)] {
        var headers: [(name: String, value: String)] = []
        for (name, value) in object["headers"]?.objectValue ?? [:] {
            guard let value = value.stringValue, !name.isEmpty, (name + value).utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) else {
                throw SetupError("`headers` is an object of printable ASCII strings.")
            }
            headers.append((name, value))
        }
        return headers
    }
}
