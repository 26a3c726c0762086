internal import CRMCore

/// The OpenAPI 3.1 document of a route table.
struct OpenAPIDocument {
    let table: RouteTable
    let configuration: APIConfiguration

    var json: JSONValue {
        [
            "openapi": "3.1.0",
            "info": [
                "title": "CRM service", "version": .string(configuration.version), "summary": "Contacts and events on their way to CRMs.",
                "description": .string(introduction),
            ],
            "servers": [["url": "/"]],
            "tags": .array(Route.Tag.allCases.map { ["name": .string($0.rawValue)] }),
            "paths": .object(paths),
            "components": [
                "schemas": .object(Components.all), "examples": .object(problemExamples),
                "securitySchemes": [
                    "firebase": [
                        "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                        "description": .string("A Firebase ID token\(project)."),
                    ]
                ],
            ],
        ]
    }

    private var project: String { configuration.projectID.isEmpty ? "" : " of the project \(configuration.projectID)" }

    private var introduction: String {
        let rows = ProblemCode.allCases.map { "| `\($0.rawValue)` | \($0.status) | \($0.title). | \($0.remedy) |" }
        return """
            Connect CRMs, then send contacts and events to all of them with one call each.

            Every answer carries `X-Request-Id`. Errors are `application/problem+json` with one of these codes:

            | code | status | meaning | what to do |
            |---|---|---|---|
            \(rows.joined(separator: "\n"))
            """
    }

    private var paths: JSONObject {
        var paths = JSONObject()
        for route in table.routes where route.isListed {
            var item = paths[route.path]?.objectValue ?? [:]
            item[route.method.rawValue.lowercased()] = operation(route)
            paths[route.path] = .object(item)
        }
        return paths
    }

    private var problemExamples: JSONObject {
        JSONObject(
            ProblemCode.allCases.map { code in
                let body = Problem(code, "\(code.title).").body(requestID: "0198b6a1-9f00-7a52-8c1d-3e5f7a9b1c2d")
                return (code.rawValue, ["summary": .string(code.title), "value": body])
            })
    }

    private func operation(_ route: Route) -> JSONValue {
        var operation: JSONObject = [
            "operationId": .string(route.operation), "tags": [.string(route.tag.rawValue)], "summary": .string(route.summary),
        ]
        if !route.description.isEmpty { operation["description"] = .string(route.description) }
        if case .open = route.handler { operation["security"] = [] } else { operation["security"] = [["firebase": []]] }
        if !route.parameters.isEmpty { operation["parameters"] = .array(route.parameters.map(parameter)) }
        if let body = route.body {
            operation["requestBody"] = [
                "required": .bool(!body.isOptional),
                "content": ["application/json": ["schema": Components.reference(body.schema), "example": body.example]],
            ]
        }
        operation["responses"] = .object(responses(route))
        return .object(operation)
    }

    private func parameter(_ parameter: Route.Parameter) -> JSONValue {
        var members: JSONObject = [
            "name": .string(parameter.name), "in": .string(parameter.place.rawValue), "required": .bool(parameter.place == .path),
            "description": .string(parameter.description), "schema": parameter.schema,
        ]
        members.set("example", parameter.example)
        return .object(members)
    }

    private func responses(_ route: Route) -> JSONObject {
        var responses = JSONObject()
        for answer in route.answers {
            var media: JSONObject = ["schema": answer.schema.map(Components.reference) ?? ["type": "string"]]
            media.set("example", answer.example)
            responses[String(answer.status)] = [
                "description": .string(answer.description), "content": .object([answer.contentType: .object(media)]),
            ]
        }
        for (status, codes) in Dictionary(grouping: route.allProblems, by: \.status).sorted(by: { $0.key < $1.key }) {
            responses[String(status)] = problems(codes)
        }
        return responses
    }

    private func problems(_ codes: [ProblemCode]) -> JSONValue {
        let examples = codes.map { ($0.rawValue, ["$ref": .string("#/components/examples/\($0.rawValue)")] as JSONValue) }
        return [
            "description": .string(codes.map { "`\($0.rawValue)`: \($0.title)." }.joined(separator: " ")),
            "content": [
                "application/problem+json": ["schema": Components.reference("Problem"), "examples": .object(JSONObject(examples))]
            ],
        ]
    }
}
