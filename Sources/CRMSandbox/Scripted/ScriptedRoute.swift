import CRMCore

/// One method and path of a scripted CRM, what it demands, does and answers.
struct ScriptedRoute {
    struct Reply {
        let status: Int
        let headers: [(name: String, value: Template)]
        let body: Template?

        func answer(_ scope: TemplateScope) -> Answer {
            var answer = body.map { Answer.json($0.json(scope), status: status) } ?? Answer(status: status)
            for (name, value) in headers { if let text = value.text(scope) { answer.headers.append((name, text)) } }
            return answer
        }
    }

    enum Step: Equatable {
        case name(String)
        case parameter(String)
    }

    private static let members: Set<String> = [
        "method", "path", "headers", "required", "store", "each", "answer", "created", "missing", "exists", "partial", "item", "failure",
    ]

    let method: String
    let steps: [Step]
    let headers: [HeaderDemand]
    /// Where the body must have something.
    let required: [(text: String, pointer: JSONPointer)]
    let store: ScriptedStore?
    /// Where the body has the items of a bulk request.
    let each: JSONPointer?
    let answer: Reply
    let created: Reply?
    let missing: Reply?
    let exists: Reply?
    /// In the place of `answer` when items failed.
    let partial: Reply?
    /// What one item of a bulk request comes to, or one record of a list.
    let item: Template?
    let failure: Template?

    init(_ source: JSONValue, at place: String, collections: [String: ScriptedCollection]) throws(SetupError) {
        let definition = try Definition(source, at: place, knowing: Self.members)
        method = try definition.required("method").uppercased()
        let path = try definition.required("path")
        guard path.hasPrefix("/") else { throw SetupError("\(place).path begins with a slash.") }
        steps = path.split(separator: "/").map { step in
            step.hasPrefix("{") && step.hasSuffix("}") ? .parameter(String(step.dropFirst().dropLast())) : .name(String(step))
        }
        headers = try HeaderDemand.all(in: definition)
        required = try definition.texts("required").map { text throws(SetupError) in
            (text, try Definition.pointer(text, "\(place).required"))
        }
        each = try definition.pointer("each")
        let itemised = each != nil
        store = try definition["store"].map { source throws(SetupError) in
            try ScriptedStore(source, at: place + ".store", collections: collections, itemised: itemised)
        }
        func reply(_ name: String) throws(SetupError) -> Reply? {
            try definition[name].map { source throws(SetupError) in try Reply(source, at: "\(place).\(name)") }
        }
        answer = try reply("answer") ?? Reply(status: 204, headers: [], body: nil)
        created = try reply("created")
        missing = try reply("missing")
        exists = try reply("exists")
        partial = try reply("partial")
        item = try definition.template("item")
        failure = try definition.template("failure")
        guard itemised || (partial == nil && failure == nil) else {
            throw SetupError("\(place): `partial` and `failure` stand beside `each`.")
        }
        guard itemised || item == nil || store?.action == .list else {
            throw SetupError("\(place): `item` stands beside `each`, or beside a store that lists.")
        }
    }

    /// The path's parameters; `nil` when it is another path.
    func match(_ path: [String]) -> [String: String]? {
        guard path.count == steps.count else { return nil }
        var parameters: [String: String] = [:]
        for (step, segment) in zip(steps, path) {
            switch step {
            case .name(let name): if name != segment { return nil }
            case .parameter(let name): parameters[name] = segment
            }
        }
        return parameters
    }
}

extension ScriptedRoute.Reply {
    init(_ source: JSONValue, at place: String) throws(SetupError) {
        let definition = try Definition(source, at: place, knowing: ["status", "headers", "body"])
        guard let status = (definition["status"] ?? 200).intValue, (200...599).contains(status) else {
            throw SetupError("\(place).status is a number from 200 to 599.")
        }
        var headers: [(name: String, value: Template)] = []
        for (name, value) in try definition.object("headers") { headers.append((name, try Template(value))) }
        self.init(status: status, headers: headers, body: try definition.template("body"))
    }
}

/// A header that a request must have: `*` for any value, `application/json*` for one that begins so, or the whole value.
struct HeaderDemand {
    let name: String
    private let value: String

    static func all(in definition: Definition) throws(SetupError) -> [HeaderDemand] {
        var demands: [HeaderDemand] = []
        for (name, value) in try definition.object("headers") {
            guard let value = value.stringValue else { throw SetupError("\(definition.place).headers is an object of texts.") }
            demands.append(HeaderDemand(name: name, value: value))
        }
        return demands
    }

    func isMet(by request: Request) -> Bool {
        guard let given = request.header(name) else { return false }
        return value.hasSuffix("*") ? given.hasPrefix(value.dropLast()) : given == value
    }
}
