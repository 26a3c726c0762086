import CRMCore
import NIOHTTP1

/// `$batch` in its JSON form. Each item stands for itself: nothing is rolled back.
struct CreatioBatch {
    private static let limit = 100
    private static let members: Set<String> = ["id", "method", "url", "body", "headers", "atomicityGroup"]

    private struct Item {
        let id: String
        let method: String
        let url: String
        let headers: HTTPHeaders
        let body: [UInt8]
    }

    let service: CreatioService

    func answer() throws(CreatioRefusal) -> Answer {
        guard service.request.mediaType == "application/json" else { throw .mediaType(service.request.mediaType) }
        let items = try items()
        let goesOn = Self.prefersToGoOn(service.request)
        var responses: [JSONValue] = []
        var effects: [Effect] = []
        for (index, item) in items.enumerated() {
            let answer = answer(item, at: index)
            responses.append(Self.json(item.id, answer))
            effects += answer.effects.isEmpty && answer.status >= 400 ? [Effect(kind: .refused)] : answer.effects
            if answer.status >= 400, !goesOn { break }
        }
        return Answer.json(["responses": .array(responses)], mediaType: CreatioService.mediaType).with(effects: effects)
    }

    private func answer(_ item: Item, at index: Int) -> Answer {
        let interference = service.request.interference
        if let end = interference.endsSessionBeforeItem, index >= end {
            if index == end { service.site.sessions.endAll() }
            return Answer(status: 401)
        }
        if interference.fails(item: index) {
            return CreatioRefusal(status: interference.batchError?.intValue ?? 500, message: "The sandbox was told to answer this.").answer
        }
        let host = service.request.host
        let root = (host == nil ? "/\(Creatio.pathName)/" : "/") + service.site.odataPath.joined(separator: "/")
        // Relative to the service's root, or a whole path.
        let target = item.url.hasPrefix("/") ? item.url : root + "/" + item.url
        guard target.hasPrefix(root + "/"), !target.hasPrefix(root + "/$batch") else {
            return CreatioRefusal.bad("The address of an item is relative to the service's root.").answer
        }
        var request = Request(method: item.method, target: target, headers: item.headers, body: item.body)
        if let host { request = request.routed(to: Creatio.pathName, host: host) }
        let path = Array(request.segments.dropFirst(1 + service.site.odataPath.count))
        return CreatioService(site: service.site, request: request, now: service.now).answer(path)
    }

    private func items() throws(CreatioRefusal) -> [Item] {
        guard let body = try? service.request.json(), let sources = body["requests"]?.arrayValue else {
            throw .bad("The body is not a JSON object with the member 'requests'.")
        }
        guard sources.count <= Self.limit else { throw .bad("The batch holds more than \(Self.limit) requests.") }
        var ids: Set<String> = []
        var items: [Item] = []
        for source in sources {
            let item = try item(source)
            guard ids.insert(item.id).inserted else { throw .bad("The request id '\(item.id)' is not unique.") }
            items.append(item)
        }
        return items
    }

    private func item(_ source: JSONValue) throws(CreatioRefusal) -> Item {
        guard let members = source.objectValue, let id = members["id"]?.stringValue,
            let method = members["method"]?.stringValue?.uppercased(),
            let url = members["url"]?.stringValue
        else { throw .bad("A request of a batch has the members 'id', 'method' and 'url'.") }
        if let unknown = members.keys.first(where: { !Self.members.contains($0) }) {
            throw .bad("A request of a batch has no member '\(unknown)'.")
        }
        // Links in answers start with the host of the whole request.
        var headers = HTTPHeaders()
        if let host = service.request.header("host") { headers.add(name: "Host", value: host) }
        for (name, value) in members["headers"]?.objectValue ?? [:] {
            guard let value = value.stringValue else { throw .bad("The header '\(name)' is not a string.") }
            headers.replaceOrAdd(name: name, value: value)
        }
        let body = members["body"]
        if body != nil, !headers.contains(name: "content-type") { headers.add(name: "Content-Type", value: "application/json") }
        return Item(id: id, method: method, url: url, headers: headers, body: body?.serialized() ?? [])
    }

    private static func prefersToGoOn(_ request: Request) -> Bool {
        request.headers[canonicalForm: "prefer"].contains { preference in
            let words = preference.lowercased().split(separator: "=").map { $0.drop { $0 == " " } }
            return ["continue-on-error", "odata.continue-on-error"].contains(words[0]) && (words.count == 1 || words[1] == "true")
        }
    }

    private static func json(_ id: String, _ answer: Answer) -> JSONValue {
        var headers: JSONObject = [:]
        for (name, value) in answer.headers { headers[name.lowercased()] = .string(value) }
        var members: JSONObject = ["id": .string(id), "status": .integer(answer.status), "headers": .object(headers)]
        if !answer.body.isEmpty {
            members["body"] = (try? JSONValue(parsing: answer.body)) ?? .string(String(decoding: answer.body, as: UTF8.self))
        }
        return .object(members)
    }
}
