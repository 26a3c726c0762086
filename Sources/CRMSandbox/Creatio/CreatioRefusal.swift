import CRMCore

/// A refusal in one of the shapes that a Creatio site has for them.
struct CreatioRefusal: Error {
    enum Shape {
        /// `{"error": {"code", "message"}}`
        case odata
        /// ASP.NET's routing: the address names no object.
        case routing(controller: String)
        /// ASP.NET's other exceptions.
        case exception(type: String)
        /// Whatever stands in front of the application.
        case page(String)
        case empty
    }

    let status: Int
    let message: String
    var shape = Shape.odata
    var effect: Effect?

    static func bad(_ message: String) -> CreatioRefusal { CreatioRefusal(status: 400, message: message) }

    static func cannotConvert(_ column: CreatioColumn) -> CreatioRefusal {
        bad("Cannot convert the value of '\(column.name)' to the expected type '\(column.edmType)'.")
    }

    static func noColumn(_ path: String, in schema: CreatioSchema) -> CreatioRefusal {
        bad("Column by path \(path) not found in schema \(schema.name).")
    }

    static func noProperty(_ name: String, in schema: CreatioSchema) -> CreatioRefusal {
        bad("The property '\(name)' does not exist on type 'Terrasoft.Configuration.OData.\(schema.name)'.")
    }

    static let noRecord = CreatioRefusal(status: 404, message: "There is no record with this key.")

    static func noObject(_ name: String, at address: String, status: Int) -> CreatioRefusal {
        CreatioRefusal(
            status: status, message: "No HTTP resource was found that matches the request URI '\(address)'.",
            shape: .routing(controller: name))
    }

    static func methodNotAllowed(_ method: String) -> CreatioRefusal {
        CreatioRefusal(
            status: 405, message: "The requested resource does not support http method '\(method)'.", shape: .exception(type: ""))
    }

    static func mediaType(_ type: String?) -> CreatioRefusal {
        CreatioRefusal(
            status: 415, message: "The request entity's media type '\(type ?? "")' is not supported for this resource.",
            shape: .exception(type: "System.Net.Http.UnsupportedMediaTypeException"))
    }

    /// The answer's body as JSON, for an item of a batch; `nil` where there is none.
    var json: JSONValue? {
        switch shape {
        case .odata: ["error": ["code": "", "message": .string(message)]]
        case .routing(let controller):
            [
                "Message": .string(message),
                "MessageDetail": .string("No type was found that matches the controller named '\(controller)'."),
            ]
        case .exception(let type) where type.isEmpty: ["Message": .string(message)]
        case .exception(let type):
            [
                "Message": "An error has occurred.", "ExceptionMessage": .string(message), "ExceptionType": .string(type),
                "StackTrace": "   at Terrasoft.WebApp.Sandbox",
            ]
        case .page, .empty: nil
        }
    }

    var answer: Answer {
        var answer: Answer
        if let json {
            answer = .json(json, status: status, mediaType: "application/json; charset=utf-8")
        } else if case .page(let title) = shape {
            answer = Answer(
                status: status, headers: [("Content-Type", "text/html; charset=utf-8")],
                body: Array("<!DOCTYPE html><html><head><title>\(title)</title></head><body><h2>\(message)</h2></body></html>".utf8))
        } else {
            answer = Answer(status: status)
        }
        if let effect { answer.effects = [effect] }
        return answer
    }
}
