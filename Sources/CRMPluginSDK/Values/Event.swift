/// Something that a person did (`schemas/event.json`).
public struct Event: Sendable, Hashable {
    public var name: String
    /// RFC 3339, UTC.
    public var occurredAt: String?
    /// The same for the same happening, however often it is sent.
    public var uniqueID: String?
    public var value: Money?
    /// Who did it: at least one of `email`, `externalID`, `phone`.
    public var contact: Contact
    public var properties: JSONObject

    public init(
        name: String, occurredAt: String? = nil, uniqueID: String? = nil, value: Money? = nil, contact: Contact,
        properties: JSONObject = [:]
    ) {
        self.name = name
        self.occurredAt = occurredAt
        self.uniqueID = uniqueID
        self.value = value
        self.contact = contact
        self.properties = properties
    }

    init(_ reader: PayloadReader) throws(CRMError) {
        // Whole at once: changing a value of this size after it is made copies it.
        var money: Money?
        if let value = try reader.reader("value") { money = try Money(value) }
        self.init(
            name: try reader.required("name", try reader.string("name").nonEmpty),
            occurredAt: try reader.string("occurred_at").nonEmpty, uniqueID: try reader.string("unique_id").nonEmpty, value: money,
            contact: try Contact(try reader.required("contact", try reader.reader("contact"))),
            properties: try reader.object("properties") ?? [:])
    }
}

/// An amount that is never rounded on its way.
public struct Money: Sendable, Hashable {
    public var amount: JSONNumber
    /// ISO 4217.
    public var currency: String

    public init(amount: JSONNumber, currency: String) {
        self.amount = amount
        self.currency = currency
    }

    init(_ reader: PayloadReader) throws(CRMError) {
        let text = try reader.required("amount", try reader.string("amount"))
        // JSON's numbers without an exponent are exactly the decimal strings that we call money.
        guard text.utf8.allSatisfy(Self.isDecimal), let amount = JSONNumber(literal: text) else {
            throw reader.refusal("amount", "is not a decimal number")
        }
        self.init(amount: amount, currency: try reader.required("currency", try reader.string("currency")))
    }

    private static func isDecimal(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}
