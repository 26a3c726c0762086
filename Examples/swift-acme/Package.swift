// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "acme-provider",
    products: [.library(name: "AcmeProvider", type: .dynamic, targets: ["AcmeProvider"])],
    targets: [
        // The provider. Everything you write is here.
        .target(name: "Acme", dependencies: ["CRMPluginSDK"]),
        // The one exported function, and all linker flags: a library with a Swift runtime of its own, that exports one symbol and is never
        // unloaded.
        .target(
            name: "AcmeProvider", dependencies: ["Acme", "CRMPluginSDK", "CRMPluginAPI"],
            swiftSettings: [.unsafeFlags(["-static-stdlib"])],
            linkerSettings: [
                .unsafeFlags([
                    "-static-stdlib",
                    "-Xlinker", "--version-script=Kit/exports.map",
                    "-Xlinker", "-z", "-Xlinker", "nodelete",
                    "-Xlinker", "-z", "-Xlinker", "defs",
                    "-Xlinker", "--gc-sections",
                ])
            ]),
        .testTarget(name: "AcmeTests", dependencies: ["Acme", "CRMPluginSDK", "CRMPluginTestKit"]),

        // The kit: header, SDK and fake host of the version that Kit/VERSION names. Not yours to change.
        .target(name: "CRMPluginAPI", path: "Kit/CRMPluginAPI", exclude: ["schemas"], cSettings: [.unsafeFlags(["-fvisibility=hidden"])]),
        .target(name: "CRMPluginSDK", dependencies: ["CRMPluginAPI"], path: "Kit/CRMPluginSDK"),
        .target(name: "CRMFakeHost", dependencies: ["CRMPluginAPI"], path: "Kit/CRMFakeHost"),
        .target(
            name: "CRMPluginTestKit", dependencies: ["CRMFakeHost", "CRMPluginAPI", "CRMPluginSDK"], path: "Kit/CRMPluginTestKit"),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .c11
)

for target in package.targets where target.name != "CRMPluginAPI" {
    target.swiftSettings =
        (target.swiftSettings ?? []) + [
            .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("InternalImportsByDefault"),
            .enableUpcomingFeature("MemberImportVisibility"), .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
        ]
}
