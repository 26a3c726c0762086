import CRMCore
import CRMIdentity
import CRMStore
import Logging

/// Everything that an operator can set, read once at the start.
struct HostConfiguration: Sendable {
    enum Environment: String, CaseIterable, Sendable { case development, production }
    enum LogFormat: String, CaseIterable, Sendable { case json, text }

    var environment: Environment
    var database: Database
    var firebase: Firebase
    var encryption: KeyRing
    var api: Listener
    var admin: Listener
    var allowedOrigins: [String]
    var configDirectory: String
    var providerDirectory: String
    var stateDirectory: String
    var docsDirectory: String?
    var logLevel: Logger.Level
    var logFormat: LogFormat

    struct Database: Sendable {
        var api: String
        var worker: String
        var migration: String
        /// Connections of the API; the worker has half as many.
        var poolSize: Int
        /// Off behind a PgBouncer older than 1.21 in transaction mode.
        var namedStatements: Bool
        /// Where the numbered migrations are.
        var migrations: String
    }

    struct Firebase: Sendable {
        var project: String
        var keysURL: String
        var tenant: String?
        /// Empty: every provider but `anonymous`.
        var signInProviders: Set<String>
    }

    struct Listener: Sendable {
        var host: String
        var port: Int

        var isOnLoopback: Bool { host == "localhost" || host == "::1" || host.hasPrefix("127.") }
    }
}

extension HostConfiguration {
    init(_ source: Settings) throws(SettingsError) {
        var settings = source
        environment = settings.choice("CRM_ENV", default: .production)
        database = Database(&settings)
        firebase = Firebase(&settings, environment)
        let ring = EncryptionKeys.ring(&settings)
        api = Listener(
            host: settings.text("HOST") ?? "127.0.0.1", port: settings.integer("PORT", default: 8001, in: 0...65_535))
        admin = Listener(
            host: settings.text("CRM_ADMIN_HOST") ?? "127.0.0.1", port: settings.integer("CRM_ADMIN_PORT", default: 8002, in: 0...65_535))
        if api.port != 0, api.port == admin.port, api.host == admin.host {
            settings.refuse("CRM_ADMIN_PORT", "is the same as PORT", expected: "a port of its own")
        }
        if environment == .production, !admin.isOnLoopback {
            settings.refuse(
                "CRM_ADMIN_HOST", "is \(admin.host)", expected: "a loopback address: the administration listener asks for no token")
        }
        allowedOrigins = Self.origins(&settings)
        configDirectory = settings.text("CRM_CONFIG_DIR") ?? "config"
        providerDirectory = settings.text("CRM_PROVIDER_DIR") ?? "providers"
        stateDirectory = settings.text("CRM_STATE_DIR") ?? "state"
        docsDirectory = settings.text("CRM_DOCS_DIR")
        logLevel = settings.choice("LOG_LEVEL", default: .info)
        logFormat = settings.choice("LOG_FORMAT", default: environment == .production ? .json : .text)
        ServiceAccount.check(&settings)
        guard settings.problems.isEmpty, let ring else { throw SettingsError(problems: settings.problems) }
        encryption = ring
    }

    private static func origins(_ settings: inout Settings) -> [String] {
        let name = settings.text("CORS_ALLOWED_ORIGINS") != nil ? "CORS_ALLOWED_ORIGINS" : "ALLOWED_ORIGINS"
        let origins = settings.list(name)
        for origin in origins where !isOrigin(origin) {
            settings.refuse(
                name, "holds \"\(origin)\"", expected: "origins such as https://shop.example.com, separated by commas; no * and no path")
        }
        return origins
    }

    private static func isOrigin(_ text: String) -> Bool {
        guard let scheme = ["https://", "http://"].first(where: text.hasPrefix) else { return false }
        let authority = text.dropFirst(scheme.count)
        return !authority.isEmpty
            && authority.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"),
                    UInt8(ascii: ":"), UInt8(ascii: "["), UInt8(ascii: "]"):
                    true
                default: false
                }
            }
    }
}

extension HostConfiguration.Database {
    fileprivate init(_ settings: inout Settings) {
        let expected = "a PostgreSQL connection string such as postgresql://crm_app@db.example.com/crm"
        api = settings.required("DB_DSN", expected: expected, isSecret: true)
        worker = settings.text("DB_WORKER_DSN", isSecret: true) ?? api
        migration = settings.text("DB_MIGRATE_DSN", isSecret: true) ?? api
        poolSize = settings.integer("DB_POOL_SIZE", default: 10, in: 2...200)
        namedStatements = settings.flag("DB_PREPARED_STATEMENTS", default: true)
        migrations = settings.text("CRM_SQL_DIR") ?? "sql"
    }
}

extension HostConfiguration.Firebase {
    fileprivate init(_ settings: inout Settings, _ environment: HostConfiguration.Environment) {
        project = settings.required("GCP_PROJECT_ID", expected: "the id of the Firebase project whose users sign in")
        tenant = settings.text("FIREBASE_TENANT")
        signInProviders = Set(settings.list("FIREBASE_SIGN_IN_PROVIDERS"))
        keysURL = FirebaseKeyCache.url
        guard let url = settings.text("FIREBASE_JWKS_URL") else { return }
        // Who can set where keys come from can sign in as anybody: only on a developer's own machine.
        if environment != .development {
            settings.refuse(
                "FIREBASE_JWKS_URL", "is set", expected: "nothing unless CRM_ENV=development: tokens are checked with Google's keys")
        } else if !["http://127.0.0.1:", "http://[::1]:"].contains(where: url.hasPrefix) {
            settings.refuse(
                "FIREBASE_JWKS_URL", "does not lead to this machine",
                expected: "a loopback address such as http://127.0.0.1:8003/google/jwks")
        } else {
            keysURL = url
        }
    }
}
