import CRMCore
import CRMCrypto
import CRMDelivery
import CRMIdentity
import CRMProviders
import CRMServer
import CRMStore
import Hummingbird
import Logging
import ServiceLifecycle

/// The whole service, built from its configuration in the order in which the parts need each other.
struct Services {
    /// In the order of their start; they stop in the opposite one.
    let all: [any Service]

    init(_ configuration: HostConfiguration, logger: Logger) async throws {
        let random: RandomBytes = { randomBytes($0) }

        // The database.
        let api = try PostgresPool(configuration, .api, logger: logger)
        let worker = try PostgresPool(configuration, .worker, logger: logger)
        let migrations = try Migration.all(in: configuration.database.migrations)
        try await DatabaseCheck(configuration, .api, api, migrations, logger: logger).wait()
        try await DatabaseCheck(configuration, .worker, worker, migrations, logger: logger).wait()
        let vault = try await Vault.open(configuration.encryption, api)
        let serviceKeys = try await ServiceKeys.load(vault, api)

        // Who is calling.
        let keys = FirebaseKeyCache(
            source: try PublishedKeys(configuration), store: KeyFile(stateDirectory: configuration.stateDirectory), now: systemNow,
            report: { logger.record($0) })
        let verifier = FirebaseTokenVerifier(
            rules: FirebaseRules(configuration.firebase), keys: keys, now: systemNow, report: { logger.record($0) })

        // The CRMs.
        let providers = try InstalledProviders(settings: ProviderSettings(configuration), logger: logger)
        // Before anybody can ask which there are.
        await providers.reload()

        // What is on its way to them.
        let connections = PostgresConnectionStore(pool: worker, vault: vault, hash: serviceKeys.hash, clock: systemNow, random: random)
        let delivery = DeliveryService(
            store: PostgresLaneStore(pool: worker), connections: connections, catalog: providers, clock: DeliveryClock(wall: systemNow),
            random: random, logger: logger)

        // The listeners.
        let readiness = ReadinessCheck(pools: [api, worker], migrations: migrations)
        let dependencies = APIDependencies(
            tokens: verifier,
            merchants: PostgresMerchantStore(pool: api, clock: systemNow, random: random),
            connections: PostgresConnectionStore(pool: api, vault: vault, hash: serviceKeys.hash, clock: systemNow, random: random),
            deliveries: PostgresDeliveryStore(pool: api, hash: serviceKeys.hash, clock: systemNow, random: random),
            syncLogs: PostgresSyncLogStore(pool: api, hash: serviceKeys.hash), cursors: serviceKeys, providers: providers,
            now: systemNow, random: random, readiness: { await readiness.now() }, didAccept: { delivery.wake() })
        let server = APIServer(dependencies, configuration: APIConfiguration(configuration))
        let administration = AdminAPI(
            readiness: { await readiness.now() },
            providers: { await ProviderReport(providers, connections).json },
            metrics: { providers.metrics.prometheusText }, now: systemNow, random: random)

        all = [
            api, worker, KeyRefresh(keys: keys), PartitionUpkeep(pool: worker, logger: logger), ProviderWatcher(providers),
            ReloadSignal { await providers.reload() }, delivery,
            administration.application(on: Listener(configuration.admin), logger: logger) {
                announce("administration on", configuration.admin, port: $0)
            },
            server.application(on: Listener(configuration.api), logger: logger) { announce("listening on", configuration.api, port: $0) },
        ]
    }
}

extension FirebaseRules {
    fileprivate init(_ configuration: HostConfiguration.Firebase) {
        self.init(
            projectID: configuration.project, tenant: configuration.tenant,
            signInProviders: configuration.signInProviders.isEmpty ? nil : configuration.signInProviders)
    }
}

extension ProviderSettings {
    init(_ configuration: HostConfiguration) {
        self.init(
            entryDirectory: configuration.configDirectory + "/providers.d", libraryDirectory: configuration.providerDirectory,
            stateDirectory: configuration.stateDirectory, allowsLoopbackOrigins: configuration.environment == .development)
    }
}

extension APIConfiguration {
    init(_ configuration: HostConfiguration) {
        self.init()
        allowedOrigins = Set(configuration.allowedOrigins)
        docsDirectory = configuration.docsDirectory
        projectID = configuration.firebase.project
    }
}

extension Listener {
    fileprivate init(_ configuration: HostConfiguration.Listener) {
        self.init(host: configuration.host, port: configuration.port)
    }
}
