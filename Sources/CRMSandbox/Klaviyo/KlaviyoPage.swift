import CRMCore
import CRMCrypto

/// A stretch of a list, with Klaviyo's cursors: opaque outside, a position inside.
struct KlaviyoPage<Element> {
    private let elements: ArraySlice<Element>
    private let size: Int
    private let total: Int
    private let call: KlaviyoCall

    init(_ all: [Element], of call: KlaviyoCall) throws(KlaviyoRefusal) {
        let query = call.request.query
        guard let size = Int(query["page[size]"] ?? "20"), (1...100).contains(size) else {
            throw .invalidParameter("page[size]", "A page has 1 to 100 elements.")
        }
        var start = 0
        if let cursor = query["page[cursor]"] {
            guard let bytes = Base64URL.decode(cursor), let position = Int(String(decoding: bytes, as: UTF8.self)), position >= 0 else {
                throw .invalidParameter("page[cursor]", "This is not a cursor that the API gave out.")
            }
            start = min(position, all.count)
        }
        elements = all[start..<min(all.count, start + size)]
        total = all.count
        self.size = size
        self.call = call
    }

    func answer(_ json: (Element) throws(KlaviyoRefusal) -> JSONValue) throws(KlaviyoRefusal) -> Answer {
        var data: [JSONValue] = []
        for element in elements { data.append(try json(element)) }
        let start = elements.startIndex
        return call.document([
            "data": .array(data),
            "links": [
                "self": .string(link(cursor: nil)),
                "prev": start > 0 ? .string(link(cursor: max(0, start - size))) : .null,
                "next": elements.endIndex < total ? .string(link(cursor: elements.endIndex)) : .null,
            ],
        ])
    }

    /// The request's own URL, at another place.
    private func link(cursor: Int?) -> String {
        var parameters = call.request.query.parameters.filter { cursor == nil || $0.name != "page[cursor]" }
        if let cursor { parameters.append(("page[cursor]", Base64URL.encode(Array(String(cursor).utf8)))) }
        let query = parameters.map { "\(PercentEncoding.encode($0.name))=\(PercentEncoding.encode($0.value))" }.joined(separator: "&")
        return call.base + call.request.path.dropFirst(Klaviyo.pathName.count + 1) + (query.isEmpty ? "" : "?\(query)")
    }
}
