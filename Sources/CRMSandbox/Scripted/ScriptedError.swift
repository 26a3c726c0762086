import CRMCore

/// How a scripted CRM says what went wrong.
struct ScriptedError {
    private let body: Template
    private let codes: [Int: String]

    init(_ source: JSONValue, at place: String) throws(SetupError) {
        let definition = try Definition(source, at: place, knowing: ["body", "codes"])
        body = try definition.template("body", or: ["status": "{status}", "code": "{code}", "message": "{message}"])
        var codes: [Int: String] = [:]
        for (status, code) in try definition.object("codes") {
            guard let status = Int(status), let code = code.stringValue else {
                throw SetupError("\(place).codes goes from statuses to the service's own codes.")
            }
            codes[status] = code
        }
        self.codes = codes
    }

    /// The CRM's own word for a status, or the code that was asked for.
    func code(_ asked: JSONValue?) -> JSONValue {
        guard let status = asked?.intValue else { return asked ?? "FAILED" }
        return .string(codes[status] ?? "ERROR")
    }

    func answer(_ status: Int, code: String?, _ message: String, _ scope: TemplateScope) -> Answer {
        var scope = scope
        scope.parts["status"] = .integer(status)
        scope.parts["code"] = .string(code ?? codes[status] ?? "ERROR")
        scope.parts["message"] = .string(message)
        return .json(body.json(scope), status: status)
    }
}
