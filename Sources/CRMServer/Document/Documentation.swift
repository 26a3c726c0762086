internal import CRMCore

/// What `/openapi.json`, `/docs` and `/redoc` show.
struct Documentation: Sendable {
    let openAPI: [UInt8]
    let assets: AssetCatalog

    init(_ table: RouteTable, _ configuration: APIConfiguration) {
        openAPI = OpenAPIDocument(table: table, configuration: configuration).json.serialized()
        assets = AssetCatalog(directory: configuration.docsDirectory)
    }

    var swaggerUI: Reply {
        guard let style = assets.path(of: "swagger-ui.css"), let bundle = assets.path(of: "swagger-ui-bundle.js") else {
            return missing("Swagger UI")
        }
        return page(
            "CRM service: API",
            head: "<link rel=\"stylesheet\" href=\"/docs/assets/\(style)\">",
            body: """
                <div id="page"></div>
                <script src="/docs/assets/\(bundle)"></script>
                <script src="/docs/start.js"></script>
                """,
            policy: "script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'")
    }

    /// A file of its own, because the page's policy runs no script that stands in the page.
    static let swaggerStart = Reply(
        contentType: "text/javascript; charset=utf-8",
        body: Array(
            """
            window.ui = SwaggerUIBundle({
                url: "/openapi.json", dom_id: "#page", deepLinking: true, persistAuthorization: false, validatorUrl: null,
            });

            """.utf8))

    var redoc: Reply {
        guard let bundle = assets.path(of: "redoc.standalone.js") else { return missing("ReDoc") }
        return page(
            "CRM service: API reference",
            body: """
                <redoc spec-url="/openapi.json"></redoc>
                <script src="/docs/assets/\(bundle)"></script>
                """,
            // ReDoc styles its page from scripts and searches in a worker that it makes itself.
            policy: "script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; worker-src blob:")
    }

    private func missing(_ name: String) -> Reply {
        page(
            "CRM service: API",
            body: """
                <h1>\(name) is not installed here</h1>
                <p>The document itself is at <a href="/openapi.json">/openapi.json</a>.</p>
                <p>To see it here, start the service with <code>./dev up</code>, which fetches the files of this page, or unpack the static
                files of the Python package drf-spectacular-sidecar and set <code>CRM_DOCS_DIR</code> to their directory.</p>
                """,
            policy: "style-src 'none'")
    }

    private func page(_ title: String, head: String = "", body: String, policy: String) -> Reply {
        let html = """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>\(title)</title>
            \(head)
            </head>
            <body>
            \(body)
            </body>
            </html>

            """
        return Reply(
            contentType: "text/html; charset=utf-8", body: Array(html.utf8),
            headers: [
                ("Content-Security-Policy", "default-src 'none'; \(policy); base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
            ])
    }
}
