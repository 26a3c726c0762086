internal import CRMCrypto
internal import FoundationEssentials

/// One numbered file of SQL: `0001_merchants_and_connections.sql`.
package struct Migration: Sendable, Hashable {
    package let version: Int
    /// The file's name.
    package let name: String
    package let sql: String
    /// SHA-256 in hexadecimal.
    package let checksum: String

    /// All of a directory, in order. Files without a number, `roles.sql` for one, are not migrations.
    package static func all(in directory: String) throws(MigrationError) -> [Migration] {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: directory) else {
            throw .unreadable(directory)
        }
        var migrations: [Migration] = []
        for name in names.sorted() where name.hasSuffix(".sql") {
            let digits = name.prefix { $0.isASCII && $0.isNumber }
            guard let version = Int(digits), name.dropFirst(digits.count).hasPrefix("_") else { continue }
            if let same = migrations.first(where: { $0.version == version }) { throw .ambiguous(same.name, name) }
            guard let bytes = FileManager.default.contents(atPath: directory + "/" + name),
                let sql = String(validating: bytes, as: UTF8.self)
            else { throw .unreadable(name) }
            let checksum = SHA256.hash(Array(bytes)).hexadecimal
            migrations.append(Migration(version: version, name: name, sql: sql, checksum: checksum))
        }
        guard !migrations.isEmpty else { throw .unreadable(directory) }
        return migrations.sorted { $0.version < $1.version }
    }
}

/// Why the schema was not brought up to date. Nothing of the file that failed has happened.
package enum MigrationError: Error, Sendable, Hashable, CustomStringConvertible {
    case unreadable(String)
    case ambiguous(String, String)
    case unreachable(reason: String)
    case roleMissing
    /// A file is not what it was when it was applied.
    case changed(String)
    /// Applied by a newer version of the service.
    case unknown(version: Int, name: String)
    /// Numbered before one that is applied already.
    case outOfOrder(String)
    /// Objects are not as the last migration left them.
    case drifted([String])
    case failed(file: String, sqlState: String, detail: String)
    /// Migrations are recorded already, so there is nothing to adopt.
    case recorded
    /// There is no schema that anybody could have made from the files.
    case nothingToAdopt

    package var description: String {
        switch self {
        case .unreadable(let path): "\(path) holds no migrations that can be read"
        case .ambiguous(let first, let second): "\(first) and \(second) have the same number"
        case .unreachable(let reason): "cannot connect to the database: \(reason)"
        case .roleMissing: "the role crm_owner is missing or not ours to take; have a superuser run sql/roles.sql in this database first"
        case .changed(let name): "\(name) was applied to this database in another form; put the file back as it was and add a new one"
        case .unknown(let version, let name):
            "this database has migration \(version) (\(name)), which this version does not know; use a newer one"
        case .outOfOrder(let name): "\(name) comes before a migration that is applied already; give it a higher number"
        case .drifted(let objects):
            "the schema is not as the last migration left it; undo what was done by hand to: \(objects.joined(separator: ", "))"
        case .failed(let file, let sqlState, let detail): "\(file) failed and was undone: \(detail) (SQLSTATE \(sqlState))"
        case .recorded: "this database has its migrations recorded already; migrate it without adopting"
        case .nothingToAdopt: "there are no tables in the schema crm; migrate this database without adopting"
        }
    }
}
