import CRMCore
import Configuration

/// Reads settings by their environment names and collects everything that is wrong with them, so that one start names it all.
struct Settings {
    private let reader: ConfigReader
    private(set) var problems: [SettingProblem] = []

    /// Variables of the process win over those of `.env`.
    init(process: [String: String], dotEnv: [String: String]) {
        reader = ConfigReader(providers: [
            EnvironmentVariablesProvider(environmentVariables: process), EnvironmentVariablesProvider(environmentVariables: dotEnv),
        ])
    }

    /// An empty value counts as absent: that is how `.env` files and compose files switch a setting off.
    func text(_ name: String, isSecret: Bool = false) -> String? {
        let key = ConfigKey(name.lowercased().split(separator: "_").map(String.init))
        guard let value = reader.string(forKey: key, isSecret: isSecret), !value.isEmpty else { return nil }
        return value
    }

    mutating func required(_ name: String, expected: String, isSecret: Bool = false) -> String {
        if let value = text(name, isSecret: isSecret) { return value }
        refuse(name, "is missing", expected: expected)
        return ""
    }

    mutating func integer(_ name: String, default standard: Int, in range: ClosedRange<Int>) -> Int {
        guard let value = text(name) else { return standard }
        if let number = Int(value), range.contains(number) { return number }
        refuse(name, "is \"\(value)\"", expected: "a whole number from \(range.lowerBound) to \(range.upperBound)")
        return standard
    }

    mutating func flag(_ name: String, default standard: Bool) -> Bool {
        switch text(name)?.lowercased() {
        case nil: return standard
        case "true", "on", "yes", "1": return true
        case "false", "off", "no", "0": return false
        case let value?:
            refuse(name, "is \"\(value)\"", expected: "on or off")
            return standard
        }
    }

    mutating func choice<Choice: RawRepresentable & CaseIterable>(
        _ name: String, default standard: Choice
    ) -> Choice where Choice.RawValue == String {
        guard let value = text(name) else { return standard }
        if let choice = Choice(rawValue: value) { return choice }
        refuse(name, "is \"\(value)\"", expected: Choice.allCases.map(\.rawValue).joined(separator: ", "))
        return standard
    }

    /// Values separated by commas.
    func list(_ name: String) -> [String] {
        (text(name) ?? "").split(separator: ",").map { $0.filter { $0 != " " } }.filter { !$0.isEmpty }
    }

    mutating func refuse(_ name: String, _ what: String, expected: String) {
        problems.append(SettingProblem(name: name, what: what, expected: expected))
    }
}

/// One setting that cannot be used, in words that hold no secret.
struct SettingProblem: Error, CustomStringConvertible {
    var name: String
    var what: String
    var expected: String

    var description: String { "\(name) \(what); expected \(expected)" }
}

/// Everything that is wrong with the settings.
struct SettingsError: Error, CustomStringConvertible {
    var problems: [SettingProblem]

    var description: String {
        "the configuration cannot be used:\n" + problems.map { "  \($0)\n" }.joined()
            + "Settings come from the environment and from .env in the working directory; .env.example lists them all."
    }
}
