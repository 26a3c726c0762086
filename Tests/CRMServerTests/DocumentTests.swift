import CRMCore
import CRMServer
import FoundationEssentials
import TestSupport
import Testing

@Suite struct DocumentTests {
    private let document = APIServer.openAPI()

    private func paths() -> [(path: String, method: String, operation: JSONValue)] {
        (document["paths"]?.objectValue ?? [:]).flatMap { path, item in
            (item.objectValue ?? [:]).map { (path, $0.key.uppercased(), $0.value) }
        }
    }

    @Test func theRouterHasWhatTheDocumentHas() {
        let behindPages: Set<String> = ["GET /docs/start.js", "GET /docs/assets/**"]
        let registered = Set(APIServer.registeredRoutes(RunningServer.dependencies(MemoryService()))).subtracting(behindPages)
        #expect(registered == Set(paths().map { "\($0.method) \($0.path)" }))
        #expect(registered.count == 22)
    }

    @Test func operationsAreComplete() {
        var ids: Set<String> = []
        for (path, method, operation) in paths() {
            let place = "\(method) \(path)"
            let isNew = ids.insert(operation["operationId"]?.stringValue ?? "").inserted
            #expect(isNew, "\(place)")
            #expect(operation["summary"]?.stringValue?.isEmpty == false, "\(place)")
            let declared = Set(
                (operation["parameters"]?.arrayValue ?? []).filter { $0["in"] == "path" }.compactMap { $0["name"]?.stringValue })
            let templated = Set(path.split(separator: "/").filter { $0.hasPrefix("{") }.map { String($0.dropFirst().dropLast()) })
            #expect(declared == templated, "\(place)")
            let responses = operation["responses"]?.objectValue ?? [:]
            #expect(responses.contains { $0.key.hasPrefix("2") }, "\(place)")
            for (status, response) in responses {
                #expect(response["description"]?.stringValue?.isEmpty == false, "\(place) \(status)")
                #expect(response["content"] != nil, "\(place) \(status)")
            }
        }
    }

    @Test func onlyRoutesThatHonourAnIdempotencyKeyDeclareIt() {
        let declaring = paths().filter { ($0.operation["parameters"]?.arrayValue ?? []).contains { $0["in"] == "header" } }
        #expect(
            Set(declaring.map { "\($0.method) \($0.path)" }) == [
                "POST /crm/contacts", "POST /crm/{crm_type}/contacts", "POST /crm/events", "POST /crm/{crm_type}/events",
            ])
    }

    @Test func listsCanBeCutIntoPages() {
        for (path, method, operation) in paths() {
            let content = operation["responses"]?["200"]?["content"]?["application/json"]
            guard content?["schema"]?["$ref"]?.stringValue?.hasSuffix("List") == true else { continue }
            let names = (operation["parameters"]?.arrayValue ?? []).compactMap { $0["name"]?.stringValue }
            #expect(names.suffix(2) == ["limit", "cursor"], "\(method) \(path)")
        }
    }

    @Test func reasonsAndOutcomesAreAllListed() {
        let schemas = document["components"]?["schemas"]
        #expect(schemas?["Waiting"]?["properties"]?["reason"]?["enum"]?.arrayValue?.contains("permission") == true)
        #expect(schemas?["SyncLog"]?["properties"]?["outcome"]?["enum"]?.arrayValue?.contains("cancelled") == true)
    }

    @Test func everyReferenceLeadsSomewhere() {
        var references: Set<String> = []
        func collect(_ value: JSONValue) {
            switch value {
            case .object(let members):
                if let reference = members["$ref"]?.stringValue { references.insert(reference) }
                for (_, member) in members { collect(member) }
            case .array(let elements): for element in elements { collect(element) }
            default: break
            }
        }
        collect(document)
        #expect(!references.isEmpty)
        let schemas = document["components"]?["schemas"]?.objectValue ?? [:]
        for reference in references {
            let steps = reference.split(separator: "/").map(String.init)
            #expect(steps.count == 4 && steps[0] == "#" && steps[1] == "components", "\(reference)")
            #expect(document["components"]?[steps[2]]?[steps[3]] != nil, "\(reference)")
        }
        for name in schemas.keys { #expect(references.contains("#/components/schemas/\(name)"), "\(name) is used by nobody") }
    }

    @Test func examplesFitTheirSchemas() throws {
        for (path, method, operation) in paths() {
            var media = Array((operation["requestBody"]?["content"]?.objectValue ?? [:]).map(\.value))
            for (_, response) in operation["responses"]?.objectValue ?? [:] {
                media += (response["content"]?.objectValue ?? [:]).map(\.value)
            }
            for content in media {
                let examples =
                    [content["example"]].compactMap { $0 }
                    + (content["examples"]?.objectValue ?? [:]).compactMap { document["components"]?["examples"]?[$0.key]?["value"] }
                for example in examples {
                    let schema = try Schema(resolved(content["schema"] ?? .null))
                    #expect(schema.violations(of: example) == [], "\(method) \(path)")
                }
            }
        }
    }

    /// The schema with what it refers to in it, and without formats that are for readers only.
    private func resolved(_ schema: JSONValue) -> JSONValue {
        switch schema {
        case .array(let elements): return .array(elements.map(resolved))
        case .object(let members):
            if let name = members["$ref"]?.stringValue?.split(separator: "/").last.map(String.init) {
                return resolved(document["components"]?["schemas"]?[name] ?? .null)
            }
            // Choices between an object and null are told apart by validators of the whole of JSON Schema only.
            if let forms = members["oneOf"]?.arrayValue, forms.contains(["type": "null"]) { return [:] }
            let kept = members.filter { !($0.key == "format" && ["uuid", "uri"].contains($0.value)) }
            return .object(JSONObject(kept.map { ($0.key, resolved($0.value)) }))
        default: return schema
        }
    }

    @Test func everyCodeIsInTheTable() throws {
        let table = try #require(document["info"]?["description"]?.stringValue)
        for code in ProblemCode.allCases {
            #expect(table.contains("| `\(code.rawValue)` | \(code.status) |"))
        }
        #expect(
            Set(ProblemCode.allCases.map(\.title)).count == ProblemCode.allCases.count - 1,
            "only the two forms of not being connected share a title")
    }

    @Test func everyCodeOfARouteIsDocumentedWithItsStatus() {
        for (path, method, operation) in paths() {
            for (status, response) in operation["responses"]?.objectValue ?? [:] {
                for (code, _) in response["content"]?["application/problem+json"]?["examples"]?.objectValue ?? [:] {
                    #expect(ProblemCode(rawValue: code)?.status == Int(status), "\(method) \(path) \(code)")
                }
            }
        }
    }

    @Test func theServedDocumentIsThisOne() async throws {
        try await RunningServer.run(.with(\.projectID, "shop-1")) { server in
            let answer = try await server.send("GET", "/openapi.json", as: nil)
            #expect(answer["Content-Type"] == "application/json")
            #expect(answer.json["openapi"] == "3.1.0")
            #expect(answer.json["components"]?["securitySchemes"]?["firebase"]?["description"]?.stringValue?.contains("shop-1") == true)
            #expect(answer.json["paths"] == document["paths"])
        }
    }

    @Test func withoutFilesThePagesSayHowToGetThem() async throws {
        try await RunningServer.run { server in
            for path in ["/docs", "/redoc"] {
                let page = try await server.send("GET", path, as: nil)
                #expect(page.status == 200)
                #expect(page.text.contains("CRM_DOCS_DIR") && page.text.contains("./dev up"))
            }
            #expect(try await server.send("GET", "/docs/assets/swagger-ui.css", as: nil).status == 404)
        }
    }

    @Test func withFilesThePagesLoadThemAndNothingElseIsServed() async throws {
        let directory = FileManager.default.temporaryDirectory.path + "/crm-docs-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: directory) }
        for (path, content) in [
            ("swagger-ui-dist/swagger-ui.css", "a{}"), ("swagger-ui-dist/swagger-ui-bundle.js", "1"),
            ("redoc/bundles/redoc.standalone.js", "2"),
            ("redoc/LICENSE", "secret"), ("notes.html", "<script>"),
        ] {
            let file = directory + "/" + path
            try FileManager.default.createDirectory(
                atPath: String(file[..<(file.lastIndex(of: "/") ?? file.endIndex)]), withIntermediateDirectories: true)
            #expect(FileManager.default.createFile(atPath: file, contents: Data(content.utf8)))
        }
        try await RunningServer.run(.with(\.docsDirectory, directory)) { server in
            let docs = try await server.send("GET", "/docs", as: nil)
            #expect(docs.text.contains("/docs/assets/swagger-ui-dist/swagger-ui-bundle.js") && docs.text.contains("/docs/start.js"))
            let policy = try #require(docs["Content-Security-Policy"])
            #expect(policy.contains("default-src 'none'") && policy.contains("script-src 'self';") && !policy.contains("unsafe-eval"))
            #expect(try await server.send("GET", "/redoc", as: nil).text.contains("/docs/assets/redoc/bundles/redoc.standalone.js"))
            let style = try await server.send("GET", "/docs/assets/swagger-ui-dist/swagger-ui.css", as: nil)
            #expect(style["Content-Type"] == "text/css; charset=utf-8")
            #expect(style.text == "a{}")
            #expect(try await server.send("GET", "/docs/start.js", as: nil).text.contains("SwaggerUIBundle"))
            for path in [
                "redoc/LICENSE", "notes.html", "../../../etc/passwd", "%2e%2e/%2e%2e/etc/passwd", "swagger-ui-dist/../redoc/LICENSE",
                "swagger-ui-dist", "",
            ] {
                #expect(try await server.send("GET", "/docs/assets/\(path)", as: nil).status == 404, "\(path)")
            }
        }
    }
}
