import CRMCore
import CRMStore
import FoundationEssentials
import Glibc

/// Where the encryption keys come from: a variable with one, or a file with several once a key is rotated.
enum EncryptionKeys {
    /// What `.env.example` holds in the key's place.
    static let placeholder = "replace-with-32-random-characters"

    private static let expected = "32 printable characters, for example from: openssl rand -base64 24"

    static func ring(_ settings: inout Settings) -> KeyRing? {
        switch (settings.text("CRM_ENCRYPTION_KEY", isSecret: true), settings.text("CRM_ENCRYPTION_KEYS_FILE")) {
        case (nil, nil): settings.refuse("CRM_ENCRYPTION_KEY", "is missing", expected: expected)
        case (_?, _?):
            settings.refuse(
                "CRM_ENCRYPTION_KEY", "is set beside CRM_ENCRYPTION_KEYS_FILE", expected: "one of the two: the file replaces the variable")
        case (let key?, nil): return single(key, &settings)
        case (nil, let path?): return file(path, &settings)
        }
        return nil
    }

    private static func single(_ key: String, _ settings: inout Settings) -> KeyRing? {
        if key == placeholder {
            settings.refuse("CRM_ENCRYPTION_KEY", "is the placeholder of .env.example", expected: expected)
            return nil
        }
        guard key.utf8.allSatisfy({ (0x21...0x7E).contains($0) }), let ring = try? KeyRing(single: Secret(key)) else {
            settings.refuse("CRM_ENCRYPTION_KEY", "has \(key.count) characters, or some that do not print", expected: expected)
            return nil
        }
        return ring
    }

    private static func file(_ path: String, _ settings: inout Settings) -> KeyRing? {
        let name = "CRM_ENCRYPTION_KEYS_FILE"
        var status = stat()
        guard stat(path, &status) == 0, let bytes = FileManager.default.contents(atPath: path) else {
            settings.refuse(name, "cannot be read", expected: "a file of lines \"kid: key\"")
            return nil
        }
        if status.st_mode & 0o077 != 0 { settings.refuse(name, "may be read by others", expected: "mode 0600") }
        do {
            return try KeyRing(file: Secret(bytes))
        } catch {
            settings.refuse(name, "cannot be used: \(error)", expected: "lines \"kid: key\"")
            return nil
        }
    }
}
