import CRMCrypto

/// The service account of the Firebase project.
enum ServiceAccount {
    /// The account is optional, but one that is named must be whole and its key readable: a mistake shows at the start.
    static func check(_ settings: inout Settings) {
        guard let text = settings.text("SA_PRIVATE_KEY", isSecret: true) else {
            if settings.text("SA_CLIENT_EMAIL") != nil {
                settings.refuse("SA_PRIVATE_KEY", "is missing beside SA_CLIENT_EMAIL", expected: "the account's private key in PEM")
            }
            return
        }
        if settings.text("SA_CLIENT_EMAIL") == nil {
            settings.refuse("SA_CLIENT_EMAIL", "is missing beside SA_PRIVATE_KEY", expected: "the account's e-mail address")
        }
        if (try? RSAPrivateKey(pem: lines(of: text))) == nil {
            settings.refuse("SA_PRIVATE_KEY", "is no RSA key", expected: "PEM from the account's JSON file, line ends as \\n or real ones")
        }
    }

    /// The key as Google's JSON file has it: line ends may be written as the two characters `\n`.
    static func lines(of text: String) -> String {
        var result = ""
        var rest = DotEnv.unquoted(text[...])[...]
        while let backslash = rest.firstIndex(of: "\\") {
            let next = rest.index(after: backslash)
            guard next < rest.endIndex, rest[next] == "n" else {
                result += rest[...backslash]
                rest = rest[next...]
                continue
            }
            result += rest[..<backslash] + "\n"
            rest = rest[rest.index(after: next)...]
        }
        return result + rest
    }
}
