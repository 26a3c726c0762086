internal import CRMCore
internal import Hummingbird

/// An answer before it is HTTP.
struct Reply: Sendable {
    var status = 200
    var contentType = "application/json"
    var headers: [(name: String, value: String)] = []
    var body: [UInt8]

    init(_ status: Int = 200, _ value: JSONValue) {
        self.status = status
        body = value.serialized()
    }

    init(contentType: String, body: [UInt8], headers: [(name: String, value: String)] = []) {
        self.contentType = contentType
        self.body = body
        self.headers = headers
    }

    init(_ problem: Problem, requestID: String) {
        self.init(problem.code.status, problem.body(requestID: requestID))
        contentType = "application/problem+json"
        headers = problem.headers
    }

    var response: Response {
        var response = Response(status: .init(code: status), body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
        response.headers.set("Content-Type", contentType)
        for (name, value) in headers { response.headers.set(name, value) }
        return response
    }
}

/// Hummingbird passes on the type of all fields, but not the name of one.
private typealias HTTPField = HTTPFields.Element

extension HTTPFields {
    /// `name` is one of ours.
    mutating func set(_ name: String, _ value: String) {
        if let field = HTTPField.Name(name) { self[field] = value }
    }

    func all(_ name: String) -> [String] {
        HTTPField.Name(name).map { self[values: $0] } ?? []
    }
}
