package import CRMCore

/// A package for a new provider: an example that works, under another name, with everything that it needs beside it.
package struct Scaffold: Sendable {
    package enum Language: String, Sendable, CaseIterable { case swift, c }

    /// Why there is no package: what to do instead.
    package struct Refusal: Error, CustomStringConvertible {
        package let description: String
    }

    package let type: CRMType
    package let language: Language

    package init(name: String, language: Language) throws(Refusal) {
        guard let type = CRMType(name) else {
            throw Refusal(
                description:
                    "\"\(name.prefix(40))\" cannot be a crm_type: it is 2 to 32 of a-z, 0-9, _ and -, a letter first, such as acme.")
        }
        guard !type.isReserved else {
            throw Refusal(description: "\"\(type)\" is a word of the API's own routes; choose another name.")
        }
        self.type = type
        self.language = language
        guard !Self.takenNames.contains(typeName) else {
            throw Refusal(
                description: "A module called \(typeName) would hide one that Swift has; choose another name, such as \(type)-crm.")
        }
    }

    private static let takenNames: Set<String> = [
        "Swift", "String", "Array", "Set", "Int", "Error", "Task", "Result", "Character", "Testing", "Foundation", "Glibc", "Dispatch",
    ]

    /// `HubSpot` of `hub-spot`: the name of modules and types.
    package var typeName: String {
        type.name.split(whereSeparator: { $0 == "-" || $0 == "_" }).map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    }

    /// The library that the package builds, from its own directory.
    package var libraryPath: String { language == .swift ? ".build/release/\(libraryName)" : libraryName }
    private var libraryName: String { "lib\(typeName)Provider.so" }

    /// Every file of the package: path from its directory, and content.
    package func files() -> [(path: String, bytes: [UInt8])] {
        var files: [(path: String, bytes: [UInt8])] = []
        for file in KitFiles.all {
            guard let slash = file.path.firstIndex(of: "/") else { continue }
            let (origin, path) = (String(file.path[..<slash]), String(file.path[file.path.index(after: slash)...]))
            guard let place = place(of: path, from: origin) else { continue }
            files.append(
                origin == language.rawValue
                    ? (renamed(place), Array(renamed(String(decoding: file.bytes, as: UTF8.self)).utf8)) : (place, file.bytes))
        }
        files.append(("Kit/VERSION", Array("\(KitFiles.version)\n".utf8)))
        return files
    }

    /// Where a file goes in the package; `nil`: nowhere.
    private func place(of path: String, from origin: String) -> String? {
        switch (origin, language) {
        case (language.rawValue, _): path
        case ("sdk", _) where path == "exports.map": "Kit/exports.map"
        case ("api", .swift): "Kit/CRMPluginAPI/\(path)"
        case ("sdk", .swift): "Kit/CRMPluginSDK/\(path)"
        case ("fakehost", .swift): "Kit/CRMFakeHost/\(path)"
        case ("testkit", .swift): "Kit/CRMPluginTestKit/\(path)"
        case ("api", .c) where path != "crm_plugin.c" && !path.hasSuffix("module.modulemap"): "Kit/\(path)"
        default: nil
        }
    }

    /// The example's name in all its spellings, replaced.
    private func renamed(_ text: String) -> String {
        // A host name has no underscores.
        let host = type.name.split(separator: "_").joined(separator: "-")
        let names = [("acme.example", "\(host).example"), ("Acme", typeName), ("acme", type.name)]
        var (rest, renamed) = (text[...], "")
        // In one pass: the new name may have the old one in it.
        while let start = rest.firstIndex(where: { $0 == "a" || $0 == "A" }) {
            renamed += rest[..<start]
            rest = rest[start...]
            let found = names.first { rest.hasPrefix($0.0) }
            renamed += found?.1 ?? String(rest.prefix(1))
            rest = rest.dropFirst(found?.0.count ?? 1)
        }
        return renamed + rest
    }
}
