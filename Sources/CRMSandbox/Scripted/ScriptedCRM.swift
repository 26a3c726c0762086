import CRMCore

/// A CRM that the sandbox knows from a file alone: for authors of new providers.
final class ScriptedCRM: Imitation {
    let name: String
    let hosts: [String]

    private let key: AccountKey?
    private let headers: [HeaderDemand]
    private let collections: [String: ScriptedCollection]
    private let routes: [ScriptedRoute]
    private let error: ScriptedError
    private let counter = SerialCounter()
    private var state: [String: [String: ScriptedRecords]] = [:]

    private static let members: Set<String> = ["crm", "hosts", "key", "headers", "collections", "routes", "error"]
    /// For a file that names no key.
    private static let commonAccount = "sandbox"

    init(_ source: JSONValue, at place: String) throws(SetupError) {
        let definition = try Definition(source, at: place, knowing: Self.members)
        name = try definition.required("crm")
        guard
            name.utf8.allSatisfy({
                $0 == UInt8(ascii: "_") || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || (0x30...0x39).contains($0)
            })
        else { throw SetupError("\(place).crm is written in small letters, digits and underscores.") }
        hosts = try definition.texts("hosts")
        key = try definition["key"].map { source throws(SetupError) in try AccountKey(source, at: place + ".key") }
        headers = try HeaderDemand.all(in: definition)
        var collections: [String: ScriptedCollection] = [:]
        for (name, source) in try definition.object("collections") {
            collections[name] = try ScriptedCollection(source, at: "\(place).collections.\(name)")
        }
        self.collections = collections
        var routes: [ScriptedRoute] = []
        for (index, source) in try definition.array("routes").enumerated() {
            routes.append(try ScriptedRoute(source, at: "\(place).routes[\(index)]", collections: collections))
        }
        guard !routes.isEmpty else { throw SetupError("\(place).routes is empty.") }
        self.routes = routes
        error = try ScriptedError(definition["error"] ?? [:], at: place + ".error")
    }

    func account(of request: Request) -> String? { key == nil ? Self.commonAccount : key?.account(of: request) }

    func accounts() -> [(account: String, counts: JSONObject)] {
        state.sorted { $0.key < $1.key }.map { account, records in
            func count(_ kind: ScriptedCollection.Kind) -> Int {
                collections.filter { $0.value.kind == kind }.reduce(0) { $0 + (records[$1.key]?.count ?? 0) }
            }
            return (account, ["contacts": .integer(count(.contact)), "events": .integer(count(.event))])
        }
    }

    func forget(account: String?) {
        if let account { state[account] = nil } else { state = [:] }
    }

    func scriptedAnswer(to request: Request, status: Int, code: String?, retryAfter: Int?) -> Answer {
        guard status >= 400 else { return Answer(status: status) }
        let scope = scope(request, [:], account: nil, body: .null, now: Timestamp(seconds: 0))
        let answer = error.answer(status, code: code, "The sandbox was told to answer this.", scope)
        return retryAfter.map { answer.with(header: "Retry-After", String($0)) } ?? answer
    }

    func answer(_ request: Request, path: [String], at now: Timestamp) -> Answer {
        let body = (try? request.json()) ?? .null
        let plain = scope(request, [:], account: nil, body: body, now: now)
        guard let account = account(of: request) else { return error.answer(401, code: nil, "The key is missing or not known.", plain) }
        let here = routes.compactMap { route in route.match(path).map { (route, $0) } }
        guard !here.isEmpty else { return error.answer(404, code: nil, "There is nothing at this path.", plain) }
        guard let (route, parameters) = here.first(where: { $0.0.method == request.method }) else {
            return error.answer(405, code: nil, "This path has no such method.", plain)
        }
        let scope = scope(request, parameters, account: account, body: body, now: now)
        for demand in headers + route.headers where !demand.isMet(by: request) {
            return error.answer(400, code: nil, "The header \(demand.name) is missing or wrong.", scope)
        }
        if !request.body.isEmpty, body.isNull { return error.answer(400, code: nil, "The body is not JSON.", scope) }
        for (text, pointer) in route.required where pointer.value(in: body).map(\.isNull) ?? true {
            return error.answer(400, code: nil, "The body has nothing at \(text).", scope)
        }
        return route.each.map { runEach(route, $0, scope) } ?? runOnce(route, scope)
    }

    private func scope(
        _ request: Request, _ parameters: [String: String], account: String?, body: JSONValue, now: Timestamp
    ) -> TemplateScope {
        TemplateScope(request: request, parameters: parameters, account: account, body: body, now: now, counter: counter)
    }

    private func runOnce(_ route: ScriptedRoute, _ scope: TemplateScope) -> Answer {
        var scope = scope
        guard let store = route.store else { return route.answer.answer(scope) }
        let (outcome, effect) = act(store, &scope)
        let found = scope.listed.map { record in
            var one = scope
            one.record = record
            return route.item?.json(one) ?? record.value
        }
        scope.parts["records"] = .array(found)
        let answer =
            switch outcome {
            case .created: (route.created ?? route.answer).answer(scope)
            case .missing: route.missing?.answer(scope) ?? error.answer(404, code: nil, "There is no such record.", scope)
            case .exists: route.exists?.answer(scope) ?? error.answer(409, code: nil, "There is such a record already.", scope)
            case .updated, .found, .listed, .deleted: route.answer.answer(scope)
            }
        return effect.map { answer.with(effects: [$0]) } ?? answer
    }

    private func runEach(_ route: ScriptedRoute, _ place: JSONPointer, _ scope: TemplateScope) -> Answer {
        guard let items = place.value(in: scope.body)?.arrayValue else {
            return error.answer(400, code: nil, "The items are missing.", scope)
        }
        var done: [JSONValue] = []
        var failures: [JSONValue] = []
        var effects: [Effect] = []
        for (index, item) in items.enumerated() {
            var scope = scope
            scope.item = item
            var outcome = ScriptedStore.Outcome.missing
            var effect: Effect?
            if !scope.request.interference.fails(item: index) {
                (outcome, effect) = route.store.map { act($0, &scope) } ?? (.found, nil)
            }
            if outcome == .missing || outcome == .exists {
                let asked = scope.request.interference.batchError
                scope.parts["code"] = outcome == .exists ? error.code(409) : error.code(asked)
                scope.parts["status"] = (outcome == .exists ? 409 : asked?.intValue).map { JSONValue.integer($0) }
                scope.parts["message"] = outcome == .exists ? "There is such a record already." : "This item failed."
                failures.append(route.failure?.json(scope) ?? scope.parts["message"] ?? .null)
                effects.append(effect ?? Effect(kind: .refused))
            } else {
                done.append(route.item?.json(scope) ?? item)
                if let effect { effects.append(effect) }
            }
        }
        var scope = scope
        scope.parts["items"] = .array(done)
        scope.parts["failures"] = .array(failures)
        scope.parts["count"] = .integer(done.count)
        return (failures.isEmpty ? route.answer : route.partial ?? route.answer).answer(scope).with(effects: effects)
    }

    private func act(_ store: ScriptedStore, _ scope: inout TemplateScope) -> (ScriptedStore.Outcome, Effect?) {
        guard let account = scope.account, let collection = collections[store.collection] else { return (.missing, nil) }
        let outcome = store.run(&state[account, default: [:]][store.collection, default: ScriptedRecords()], collection, &scope)
        return (outcome, collection.effect(outcome, scope))
    }
}
