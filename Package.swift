// swift-tools-version: 6.2
import PackageDescription

// `.ci/run` sets CRM_STRICT: warnings are errors there, and stay warnings for somebody with a newer compiler.
let strict = Context.environment["CRM_STRICT"] != nil
// Sanitizers and the provider libraries' linker flags (`-z defs`) exclude each other.
let sanitizing = Context.environment["CRM_SANITIZE"] != nil

let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

/// A provider library carries its own Swift runtime, exports one symbol and is never unloaded: `docs/architecture.md`.
let providerLibrary: [LinkerSetting] =
    sanitizing
    ? []
    : [
        .unsafeFlags([
            "-static-stdlib",
            "-Xlinker", "--version-script=Sources/CRMPluginSDK/exports.map",
            "-Xlinker", "-z", "-Xlinker", "nodelete",
            "-Xlinker", "-z", "-Xlinker", "defs",
            "-Xlinker", "--gc-sections",
        ])
    ]

let package = Package(
    name: "crm-service",
    products: [
        .executable(name: "crm-host", targets: ["CRMHost"]),
        .executable(name: "crm-sandbox", targets: ["CRMSandbox"]),
        .library(name: "CRMPluginAPI", targets: ["CRMPluginAPI"]),
        .library(name: "CRMPluginSDK", type: .static, targets: ["CRMPluginSDK"]),
        .library(name: "KlaviyoProvider", type: .dynamic, targets: ["KlaviyoProvider"]),
        .library(name: "SalesforceProvider", type: .dynamic, targets: ["SalesforceProvider"]),
        .library(name: "CreatioProvider", type: .dynamic, targets: ["CreatioProvider"]),
    ],
    dependencies: [
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        // The ABI between host and provider libraries.
        .target(name: "CRMPluginAPI", exclude: ["schemas"]),
        .testTarget(name: "CRMPluginAPITests", dependencies: ["CRMPluginAPI"]),

        // Swift comfort for provider authors; the host never imports it.
        .target(name: "CRMPluginSDK", dependencies: ["CRMPluginAPI"], exclude: ["exports.map"]),
        .testTarget(name: "CRMPluginSDKTests", dependencies: ["CRMPluginAPI", "CRMPluginSDK", "CRMPluginTestKit"]),
        // A fake host that drives any provider through the ABI: scripted HTTP, virtual time, every service.
        .target(name: "CRMFakeHost", dependencies: ["CRMPluginAPI"]),
        // The fake host as provider authors use it in their tests, with the SDK's JSON and recorded exchanges.
        .target(
            name: "CRMPluginTestKit", dependencies: ["CRMFakeHost", "CRMPluginAPI", "CRMPluginSDK"], path: "Tests/CRMPluginTestKit"),

        // Values and rules.
        .target(name: "CRMCore"),
        .testTarget(name: "CRMCoreTests", dependencies: ["CRMCore"]),

        // The C libraries of the system.
        .systemLibrary(name: "CPostgres", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CLinux"),

        // Hashes, signatures, key derivation, randomness.
        .target(name: "CRMCrypto", dependencies: ["CRMCore", "COpenSSL"]),
        .testTarget(name: "CRMCryptoTests", dependencies: ["CRMCore", "CRMCrypto"]),

        // PostgreSQL.
        .target(name: "CRMStore", dependencies: ["CRMCore", "CRMCrypto", "CPostgres", logging, lifecycle]),
        .testTarget(name: "CRMStoreTests", dependencies: ["CRMCore", "CRMCrypto", "CRMStore", "TestSupport", logging]),

        // Outbound calls.
        .target(name: "CRMTransport", dependencies: ["CCurl"]),
        .testTarget(name: "CRMTransportTests", dependencies: ["CRMCore", "CRMTransport", "TestSupport"]),

        // Who is calling.
        .target(name: "CRMIdentity", dependencies: ["CRMCore", "CRMCrypto", logging]),
        .testTarget(name: "CRMIdentityTests", dependencies: ["CRMCore", "CRMCrypto", "CRMIdentity"]),

        // Provider libraries: loading, registry, reload.
        .target(
            name: "CRMProviders",
            dependencies: [
                "CRMCore", "CRMCrypto", "CRMPluginAPI", "CRMTransport", logging, lifecycle,
                .product(name: "Yams", package: "Yams"),
            ]),
        .testTarget(
            name: "CRMProvidersTests",
            dependencies: ["CRMCore", "CRMPluginAPI", "CRMProviders", "CRMTransport", "TestSupport", logging, lifecycle],
            exclude: ["Fixtures"]),

        // What provider authors and operators do with a library outside of a running host.
        .target(name: "CRMKitFiles"),
        .target(
            name: "CRMProviderKit",
            dependencies: [
                "CLinux", "CRMCore", "CRMKitFiles", "CRMPluginAPI", "CRMFakeHost", "CRMProviders", "CRMTransport", logging,
            ]),
        .testTarget(
            name: "CRMProviderKitTests", dependencies: ["CRMCore", "CRMProviderKit", "CRMProviders", "CRMTransport", "TestSupport"],
            exclude: ["Fixtures"]),

        // Background work.
        .target(name: "CRMDelivery", dependencies: ["CRMCore", logging, lifecycle]),
        .testTarget(
            name: "CRMDeliveryTests",
            dependencies: ["CRMCore", "CRMCrypto", "CRMDelivery", "CRMStore", "TestSupport", logging, lifecycle]),

        // The HTTP API.
        .target(name: "CRMServer", dependencies: ["CRMCore", hummingbird, nioCore, logging]),
        .testTarget(name: "CRMServerTests", dependencies: ["CRMCore", "CRMServer", "TestSupport", hummingbird, logging]),

        // The executables.
        .executableTarget(
            name: "CRMHost",
            dependencies: [
                "CLinux", "CRMCore", "CRMCrypto", "CRMStore", "CRMTransport", "CRMIdentity", "CRMProviders", "CRMProviderKit",
                "CRMDelivery",
                "CRMServer", hummingbird, logging, lifecycle, arguments,
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "Configuration", package: "swift-configuration"),
            ]),
        .executableTarget(
            name: "CRMSandbox",
            dependencies: ["CRMCore", "CRMCrypto", nioCore, nioPosix, nioHTTP1, arguments]),
        .testTarget(name: "CRMSandboxTests", dependencies: ["CRMCore", "CRMCrypto", "TestSupport"]),

        // The providers' answers to what the sandbox's CRMs say, through the real host.
        .testTarget(
            name: "ProviderTests", dependencies: ["CRMCore", "CRMProviders", "CRMTransport", "TestSupport", logging]),

        // What a call through the ABI costs.
        .executableTarget(name: "ProviderBenchmark", dependencies: ["CRMFakeHost", "CRMPluginAPI"], path: "Benchmarks/Providers"),

        // What tests share: databases, processes, listeners.
        .target(name: "TestSupport", dependencies: ["CRMCore", "CRMCrypto", "CRMStore", logging], path: "Tests/TestSupport"),
        // The sandbox under the CRMs' own clients.
        .testTarget(name: "ClientTests", dependencies: ["CRMCore", "TestSupport"], exclude: ["Journeys"]),
        // The whole service over sockets, as its users meet it.
        .testTarget(name: "JourneyTests", dependencies: ["CRMCore", "TestSupport"]),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .c11
)

// Each provider: all code in one target, the exported symbol with the linker flags in another.
for name in ["Klaviyo", "Salesforce", "Creatio"] {
    package.targets += [
        .target(
            name: name, dependencies: ["CRMPluginSDK"], path: "Plugins/\(name)", exclude: ["Entry", "README.md", "conformance.json"],
            sources: ["Sources"]),
        .target(
            name: "\(name)Provider", dependencies: [.target(name: name), "CRMPluginSDK", "CRMPluginAPI"], path: "Plugins/\(name)/Entry",
            swiftSettings: sanitizing ? [] : [.unsafeFlags(["-static-stdlib"])],
            linkerSettings: providerLibrary),
        .testTarget(
            name: "\(name)Tests", dependencies: [.target(name: name), "CRMPluginSDK", "CRMPluginAPI", "CRMPluginTestKit"],
            path: "Tests/\(name)Tests"),
    ]
}

/// Targets that hold no C: strict memory safety says so.
let withoutC: Set<String> = ["CRMCore", "CRMIdentity", "CRMDelivery", "CRMServer", "Klaviyo", "Salesforce", "Creatio"]

for target in package.targets where target.type != .system && target.name != "CRMPluginAPI" {
    var settings = target.swiftSettings ?? []
    settings += [
        .enableUpcomingFeature("ExistentialAny"),  // swiftlang/swift-evolution 0335
        .enableUpcomingFeature("InternalImportsByDefault"),  // 0409
        .enableUpcomingFeature("MemberImportVisibility"),  // 0444
        .enableUpcomingFeature("NonisolatedNonsendingByDefault"),  // 0461
    ]
    if withoutC.contains(target.name) { settings.append(.strictMemorySafety()) }  // 0458
    if strict { settings.append(.treatAllWarnings(as: .error)) }  // 0480
    target.swiftSettings = settings
}
