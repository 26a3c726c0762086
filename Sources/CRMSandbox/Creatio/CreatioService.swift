import CRMCore
import CRMCrypto

/// One request to a site's OData service, by somebody who is logged in.
struct CreatioService {
    static let mediaType = "application/json; odata.metadata=minimal; odata.streaming=true; charset=utf-8"

    let site: CreatioSite
    let request: Request
    let now: Timestamp

    var root: String { request.base + "/" + site.odataPath.joined(separator: "/") }

    func answer(_ path: [String]) -> Answer {
        do throws(CreatioRefusal) {
            var answer = try judge(path)
            if answer.status < 300 { answer.headers.append(("OData-Version", "4.0")) }
            return answer
        } catch {
            return error.answer
        }
    }

    private func judge(_ path: [String]) throws(CreatioRefusal) -> Answer {
        switch (request.method, path) {
        case ("GET", []): return serviceDocument
        case ("GET", ["$metadata"]): return metadata
        case ("POST", ["$batch"]): return try CreatioBatch(service: self).answer()
        case (_, []), (_, ["$metadata"]), (_, ["$batch"]): throw .methodNotAllowed(request.method)
        default: break
        }
        let (schema, key) = try address(path[0])
        if site.traits.isReadOnly, request.method != "GET" {
            throw CreatioRefusal(status: 403, message: "Current user does not have enough permissions to edit records of \(schema.name).")
        }
        switch (request.method, key, Array(path.dropFirst())) {
        case ("GET", nil, []): return try list(schema)
        case ("GET", nil, ["$count"]): return try count(schema)
        case ("GET", let key?, []): return try record(schema, key)
        case ("POST", nil, []): return try insert(schema)
        case ("PATCH", let key?, []): return try update(schema, key)
        case ("DELETE", let key?, []): return try delete(schema, key)
        case (_, _, []): throw .methodNotAllowed(request.method)
        default: throw noObject(path.joined(separator: "/"))
        }
    }

    /// `Contact` or `Contact(<guid>)`, the GUID bare.
    private func address(_ segment: String) throws(CreatioRefusal) -> (CreatioSchema, CreatioID?) {
        let name = segment.prefix { $0 != "(" }
        guard let schema = site.tables[String(name)]?.schema, !site.traits.rebuilding.contains(schema.name) else {
            throw noObject(String(name))
        }
        guard name.endIndex < segment.endIndex else { return (schema, nil) }
        guard segment.hasSuffix(")"), let id = CreatioID(segment[name.endIndex...].dropFirst().dropLast()) else {
            throw .bad("Bad Request - Error in query syntax: the key of '\(name)' is a bare GUID.")
        }
        return (schema, id)
    }

    /// A site on .NET Framework says so under 200.
    private func noObject(_ name: String) -> CreatioRefusal {
        .noObject(name, at: "\(root)/\(name)", status: site.traits.isCore ? 404 : 200)
    }

    private var serviceDocument: Answer {
        let sets = site.schemas.map(\.name).sorted().map { name -> JSONValue in
            ["name": .string(name), "kind": "EntitySet", "url": .string(name)]
        }
        return .json(["@odata.context": .string(root + "/$metadata"), "value": .array(sets)], mediaType: Self.mediaType)
    }

    private var metadata: Answer {
        Answer(
            status: 200, headers: [("Content-Type", "application/xml; charset=utf-8")],
            body: Array(CreatioMetadata.document(site.schemas).utf8))
    }
}
