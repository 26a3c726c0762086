internal import CRMCore

/// One row of the route table: how a request is answered, and everything that the documentation says about it.
struct Route: Sendable {
    var method: Method
    /// With parameters in braces, as in OpenAPI.
    var path: String
    /// The `operationId` of the OpenAPI document.
    var operation: String
    var tag: Tag
    var summary: String
    var description = ""
    var parameters: [Parameter] = []
    var body: Body?
    var answers: [Answer]
    /// Besides those that follow from the kind of route.
    var problems: [ProblemCode] = []
    var handler: Handler
    /// What is not for clients' programs stays out of the document: the files behind the documentation's pages.
    var isListed = true

    enum Method: String, Sendable {
        case get = "GET"
        case post = "POST"
        case patch = "PATCH"
        case delete = "DELETE"
    }

    enum Tag: String, Sendable, CaseIterable {
        case account = "Account"
        case connections = "Connections"
        case delivery = "Contacts and events"
        case logs = "Logs and deliveries"
        case operations = "Operations"
    }

    /// How much a request must prove before its handler runs; what the handler is given says which.
    enum Handler: Sendable {
        case open(@Sendable (Call) async throws(Problem) -> Reply)
        case user(@Sendable (Call, VerifiedIdentity) async throws(Problem) -> Reply)
        case merchant(@Sendable (Call, Merchant) async throws(Problem) -> Reply)
    }

    struct Parameter: Sendable {
        enum Place: String, Sendable {
            case path, query, header
        }

        var name: String
        var place: Place
        var description: String
        var schema: JSONValue = ["type": "string"]
        var example: JSONValue?
    }

    struct Body: Sendable {
        /// The name of a component.
        var schema: String
        var example: JSONValue
        var isOptional = false
    }

    struct Answer: Sendable {
        var status: Int
        var description: String
        /// The name of a component; `nil` where the content is not JSON.
        var schema: String?
        var contentType = "application/json"
        var example: JSONValue?
    }

    var queryNames: [String] { parameters.filter { $0.place == .query }.map(\.name) }

    /// All codes that this route can answer with, in the order of the table of codes.
    var allProblems: [ProblemCode] {
        var codes: Set<ProblemCode> = [.malformedRequest, .unknownParameter, .invalidParameter, .internalError]
        if case .open = handler {
        } else {
            codes.formUnion([.tokenInvalid, .tokenExpired, .signInRefused, .keysUnavailable, .serviceUnavailable])
        }
        if case .merchant = handler { codes.formUnion([.notAMerchant, .merchantDisabled]) }
        if body != nil {
            codes.formUnion([.invalidJSON, .unknownField, .invalidInput, .bodyTooLarge, .unsupportedMediaType, .unsupportedEncoding])
        }
        codes.formUnion(problems)
        return ProblemCode.allCases.filter(codes.contains)
    }
}
