internal import CRMCore

/// All routes. The router and the OpenAPI document are made from it, so they cannot disagree.
struct RouteTable: Sendable {
    let routes: [Route]

    init(_ routes: [Route]) { self.routes = routes }

    /// Of the listener that clients reach.
    static let api = RouteTable(
        AuthRoutes.all + ProviderRoutes.all + ConnectionRoutes.all + DeliveryRoutes.all + ContactRoutes.all + LogRoutes.all
            + HealthRoutes.all + DocumentationRoutes.all)

    /// The methods that a path takes, `HEAD` with `GET`; empty when there is nothing at the path.
    func methods(of path: String) -> [String] {
        let segments = path.split(separator: "/")
        let matching = routes.filter { matches($0.path.split(separator: "/"), segments) }
        // A word of our own is no crm_type: what names the path wins over what has a parameter there.
        let closest = matching.map(\.parameterCount).min()
        let found = matching.filter { $0.parameterCount == closest }.map(\.method.rawValue)
        let all = found.contains("GET") ? found + ["HEAD"] : found
        return Set(all).sorted()
    }

    private func matches(_ template: [Substring], _ segments: [Substring]) -> Bool {
        if template.last == "**" { return segments.count >= template.count && zip(template.dropLast(), segments).allSatisfy(matches) }
        return template.count == segments.count && zip(template, segments).allSatisfy(matches)
    }

    private func matches(_ template: Substring, _ segment: Substring) -> Bool { template.hasPrefix("{") || template == segment }
}

extension Route {
    fileprivate var parameterCount: Int { path.split(separator: "/").count { $0.hasPrefix("{") || $0 == "**" } }
}
