package import CRMCore

/// SQL whose interpolated values are bound as typed parameters: `"SELECT … WHERE merchant_id = \(merchant)"`.
///
/// The text is the same for every call from one place, so a connection prepares it once. A statement may hold others.
package struct Statement: Sendable, ExpressibleByStringInterpolation {
    package let sql: String
    package let parameters: [Parameter]
    /// `parameters.count + 1` of them.
    private let texts: [String]

    /// With the places written by hand: `$1`, `$2`, …
    package init(_ sql: String, _ parameters: [Parameter]) {
        self.sql = sql
        self.parameters = parameters
        texts = []
    }

    package init(stringLiteral sql: String) {
        self.sql = sql
        parameters = []
        texts = [sql]
    }

    package init(stringInterpolation: StringInterpolation) {
        texts = stringInterpolation.texts
        parameters = stringInterpolation.parameters
        sql = texts.dropFirst().enumerated().reduce(into: texts[0]) { sql, next in
            sql += "$\(next.offset + 1)\(next.element)"
        }
    }

    package struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var texts = [""]
        fileprivate var parameters: [Parameter] = []

        package init(literalCapacity: Int, interpolationCount: Int) {}

        package mutating func appendLiteral(_ literal: String) { texts[texts.count - 1] += literal }

        package mutating func appendInterpolation(_ parameter: Parameter) {
            parameters.append(parameter)
            texts.append("")
        }

        package mutating func appendInterpolation<Value: PostgresValue>(_ value: Value) {
            appendInterpolation(Parameter(value))
        }

        package mutating func appendInterpolation<Value: PostgresValue>(_ value: Value?) {
            appendInterpolation(Parameter(value))
        }

        package mutating func appendInterpolation<Value: PostgresValue>(_ values: [Value]) {
            appendInterpolation(Parameter(values))
        }

        package mutating func appendInterpolation<Value: PostgresValue>(_ values: [Value?]) {
            appendInterpolation(Parameter(values))
        }

        /// A piece of SQL with its own values. Statements with places written by hand cannot be pieces.
        package mutating func appendInterpolation(_ piece: Statement) {
            precondition(!piece.texts.isEmpty, "a statement with hand-written places cannot be a piece of another")
            appendLiteral(piece.texts[0])
            for (parameter, text) in zip(piece.parameters, piece.texts.dropFirst()) {
                appendInterpolation(parameter)
                appendLiteral(text)
            }
        }
    }
}

/// One bound value. Prints its type only, since it may be a secret.
package struct Parameter: Sendable, CustomStringConvertible, CustomReflectable {
    let oid: UInt32
    /// `nil` is NULL.
    let bytes: [UInt8]?

    package init<Value: PostgresValue>(_ value: Value?) {
        oid = Value.postgresType.rawValue
        bytes = value?.postgresBytes
    }

    package init<Value: PostgresValue>(_ value: Value) {
        self.init(.some(value))
    }

    package init<Value: PostgresValue>(_ values: [Value]) {
        self.init(array: values.lazy.map(\.postgresBytes).map(Optional.some), of: Value.postgresType)
    }

    package init<Value: PostgresValue>(_ values: [Value?]) {
        self.init(array: values.lazy.map { $0?.postgresBytes }, of: Value.postgresType)
    }

    /// Text that is a secret.
    package init(_ secret: Secret) {
        oid = PostgresType.text.rawValue
        bytes = secret.withBytes { $0 }
    }

    package init(bytea secret: Secret) {
        oid = PostgresType.bytea.rawValue
        bytes = secret.withBytes { $0 }
    }

    private init(array elements: some Collection<[UInt8]?>, of type: PostgresType) {
        let hasNull = elements.contains { $0 == nil }
        var encoded = Int32(elements.isEmpty ? 0 : 1).bigEndianBytes + Int32(hasNull ? 1 : 0).bigEndianBytes
        encoded += type.rawValue.bigEndianBytes
        if !elements.isEmpty { encoded += Int32(elements.count).bigEndianBytes + Int32(1).bigEndianBytes }
        for element in elements {
            encoded += Int32(element?.count ?? -1).bigEndianBytes
            encoded += element ?? []
        }
        oid = type.arrayOID
        bytes = encoded
    }

    package var description: String { "<parameter of type \(oid)>" }
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}
