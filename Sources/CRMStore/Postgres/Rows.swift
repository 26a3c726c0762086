internal import CPostgres
package import CRMCore
package import FoundationEssentials

/// What a statement returned.
package struct Rows: Sendable, RandomAccessCollection {
    private let result: QueryResult

    init(_ result: QueryResult) { self.result = result }

    package var startIndex: Int { 0 }
    package var endIndex: Int { result.rowCount }
    package subscript(index: Int) -> Row { Row(result: result, index: index) }

    /// Rows that the statement inserted, updated, deleted or returned.
    package var affected: Int { result.affected }
}

/// One row; columns are read by name and by type, and a wrong name, a wrong type and an unexpected NULL throw.
///
/// `ifAny:` reads a column that may be NULL.
package struct Row: Sendable {
    fileprivate let result: QueryResult
    fileprivate let index: Int

    package func id<Subject>(_ column: String) throws(StoreError) -> Identifier<Subject> { try required(column) }
    package func id<Subject>(ifAny column: String) throws(StoreError) -> Identifier<Subject>? { try optional(column) }
    package func uuid(_ column: String) throws(StoreError) -> UUID { try required(column) }
    package func uuid(ifAny column: String) throws(StoreError) -> UUID? { try optional(column) }
    package func text(_ column: String) throws(StoreError) -> String { try required(column) }
    package func text(ifAny column: String) throws(StoreError) -> String? { try optional(column) }
    package func bool(_ column: String) throws(StoreError) -> Bool { try required(column) }
    package func bool(ifAny column: String) throws(StoreError) -> Bool? { try optional(column) }
    package func bytes(_ column: String) throws(StoreError) -> [UInt8] { try required(column) }
    package func bytes(ifAny column: String) throws(StoreError) -> [UInt8]? { try optional(column) }
    package func timestamp(_ column: String) throws(StoreError) -> Timestamp { try required(column) }
    package func timestamp(ifAny column: String) throws(StoreError) -> Timestamp? { try optional(column) }
    package func json(_ column: String) throws(StoreError) -> JSONValue { try required(column) }
    package func json(ifAny column: String) throws(StoreError) -> JSONValue? { try optional(column) }
    package func object(_ column: String) throws(StoreError) -> JSONObject { try required(column) }
    package func object(ifAny column: String) throws(StoreError) -> JSONObject? { try optional(column) }
    package func crmType(_ column: String) throws(StoreError) -> CRMType { try required(column) }

    /// Integers of every width.
    package func int64(_ column: String) throws(StoreError) -> Int64 {
        guard let value = try int64(ifAny: column) else { throw .unexpectedNull }
        return value
    }

    package func int64(ifAny column: String) throws(StoreError) -> Int64? {
        let position = try result.position(of: column)
        guard let bytes = result.bytes(row: index, column: position) else { return nil }
        let value: Int64? =
            switch PostgresType(rawValue: result.type(ofColumn: position)) {
            case .int8: Int64(bigEndianBytes: bytes)
            case .int4: Int32(bigEndianBytes: bytes).map(Int64.init)
            case .int2: Int16(bigEndianBytes: bytes).map(Int64.init)
            default: nil
            }
        guard let value else { throw .wrongType }
        return value
    }

    package func int(_ column: String) throws(StoreError) -> Int { Int(try int64(column)) }
    package func int(ifAny column: String) throws(StoreError) -> Int? { try int64(ifAny: column).map(Int.init) }

    private func required<Value: PostgresValue>(_ column: String) throws(StoreError) -> Value {
        guard let value: Value = try optional(column) else { throw .unexpectedNull }
        return value
    }

    private func optional<Value: PostgresValue>(_ column: String) throws(StoreError) -> Value? {
        let position = try result.position(of: column)
        guard let bytes = result.bytes(row: index, column: position) else { return nil }
        guard result.type(ofColumn: position) == Value.postgresType.rawValue, let value = Value(postgresBytes: bytes) else {
            throw .wrongType
        }
        return value
    }
}

/// Owns one `PGresult`, which nothing changes once it is here.
final class QueryResult: @unchecked Sendable {
    private let pointer: OpaquePointer
    private let columns: [String: Int32]
    let rowCount: Int

    init(_ pointer: OpaquePointer) {
        self.pointer = pointer
        rowCount = Int(PQntuples(pointer))
        var columns: [String: Int32] = [:]
        for column in 0..<PQnfields(pointer) {
            if let name = PQfname(pointer, column) { columns[String(cString: name)] = column }
        }
        self.columns = columns
    }

    deinit { PQclear(pointer) }

    var affected: Int { PQcmdTuples(pointer).flatMap { Int(String(cString: $0)) } ?? 0 }
    var commandTag: String { PQcmdStatus(pointer).map { String(cString: $0) } ?? "" }

    var diagnosis: Diagnosis { Diagnosis(pointer) }

    func position(of column: String) throws(StoreError) -> Int32 {
        guard let position = columns[column] else { throw .unknownColumn }
        return position
    }

    func type(ofColumn column: Int32) -> UInt32 { PQftype(pointer, column) }

    /// `nil` is NULL.
    func bytes(row: Int, column: Int32) -> [UInt8]? {
        let row = Int32(row)
        guard PQgetisnull(pointer, row, column) == 0, let value = PQgetvalue(pointer, row, column) else { return nil }
        return Array(UnsafeRawBufferPointer(start: value, count: Int(PQgetlength(pointer, row, column))))
    }
}
