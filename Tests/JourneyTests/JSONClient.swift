import CRMCore
import Foundation
import FoundationNetworking

/// A REST client as a checkout would write it: one base address, one token, JSON both ways.
struct JSONClient: Sendable {
    let base: String
    var token: String?

    struct Answer: Sendable {
        var status: Int
        var headers: [String: String]
        var body: JSONValue
        var text: String
    }

    private static let session: URLSession = {
        let configuration = URLSessionConfiguration.ephemeral
        configuration.httpMaximumConnectionsPerHost = 32
        configuration.timeoutIntervalForRequest = 30
        return URLSession(configuration: configuration)
    }()

    func get(_ path: String) async throws -> Answer { try await send("GET", path, nil, [:]) }
    func post(_ path: String, _ body: JSONValue, headers: [String: String] = [:]) async throws -> Answer {
        try await send("POST", path, body, headers)
    }
    func patch(_ path: String, _ body: JSONValue) async throws -> Answer { try await send("PATCH", path, body, [:]) }
    func delete(_ path: String) async throws -> Answer { try await send("DELETE", path, nil, [:]) }

    private func send(_ method: String, _ path: String, _ body: JSONValue?, _ headers: [String: String]) async throws -> Answer {
        guard let url = URL(string: base + path) else { throw URLError(.badURL) }
        var request = URLRequest(url: url)
        request.httpMethod = method
        if let token { request.setValue("Bearer \(token)", forHTTPHeaderField: "Authorization") }
        for (name, value) in headers { request.setValue(value, forHTTPHeaderField: name) }
        if let body {
            request.httpBody = Data(body.serialized())
            request.setValue("application/json", forHTTPHeaderField: "Content-Type")
        }
        let (data, response) = try await Self.session.data(for: request)
        guard let http = response as? HTTPURLResponse else { throw URLError(.badServerResponse) }
        var fields: [String: String] = [:]
        for (name, value) in http.allHeaderFields { fields["\(name)".lowercased()] = "\(value)" }
        let bytes = [UInt8](data)
        return Answer(
            status: http.statusCode, headers: fields, body: (try? JSONValue(parsing: bytes)) ?? .null,
            text: String(decoding: bytes, as: UTF8.self))
    }
}

/// Asks again until the condition holds. Gives up after a deadline that only a broken service reaches.
func eventually<Value>(
    _ what: String, within deadline: Duration = .seconds(60), _ condition: () async throws -> Value?
) async throws -> Value {
    let end = ContinuousClock.now + deadline
    while ContinuousClock.now < end {
        if let value = try await condition() { return value }
        try await Task.sleep(for: .milliseconds(50))
    }
    throw NeverHappened(what: what)
}

struct NeverHappened: Error, CustomStringConvertible {
    var what: String
    var description: String { "did not happen in time: \(what)" }
}
