import CRMProviderKit
import CRMProviders
import Testing

@Suite struct EntryTextTests {
    private static let written = """
        # Ours, since March.
        library: libKlaviyoProvider.so      # in the usual place
        # sha256: 9f2c
        enabled: true
        config:
          enabled: no concern of ours
        egress:
          allow: ["a.klaviyo.com:443"]

        """
    private static let hash = String(repeating: "ab", count: 32)

    @Test func whatAnOperatorWroteStays() throws {
        var entry = try EntryText(Self.written)
        try entry.apply(.enabled(false))
        try entry.apply(.sha256(Self.hash))
        try entry.apply(.library("libOther.so"))
        try entry.apply(.paused(true))
        #expect(
            entry.text == """
                # Ours, since March.
                library: "libOther.so" # in the usual place
                paused: true
                sha256: \(Self.hash)
                # sha256: 9f2c
                enabled: false
                config:
                  enabled: no concern of ours
                egress:
                  allow: ["a.klaviyo.com:443"]

                """)
        try entry.apply(.paused(false))
        #expect(!entry.text.contains("paused"))
        #expect(entry.entry.sha256 == Self.hash && !entry.entry.isEnabled && entry.entry.egressAllow == ["a.klaviyo.com:443"])
    }

    @Test func linesOfWindowsStayLines() throws {
        let text = "library: libA.so\r\nsha256: \(Self.hash)\r\negress:\r\n  allow: [\"a.example:443\"]\r\nlimits:\r\n  concurrency: 7\r\n"
        var entry = try EntryText(text)
        try entry.apply(.library("libB.so"))
        try entry.apply(.enabled(false))
        #expect(entry.entry.concurrency == 7 && entry.entry.egressAllow == ["a.example:443"] && !entry.entry.isEnabled)
        #expect(entry.text.hasPrefix("library: \"libB.so\"\r\nenabled: false\r\n"))
    }

    @Test(arguments: [
        "enabled : false\nlibrary: libA.so\n", "{library: libA.so, enabled: false}\n", "library: >-\n  libA.so\nenabled: false\n",
    ])
    func whatCannotBeChangedByLineIsRefused(_ text: String) throws {
        var entry = try EntryText(text)
        let before = entry.text
        #expect(throws: EntryText.Refusal.self) {
            try entry.apply(.enabled(true))
            try entry.apply(.library("libB.so"))
        }
        // Whatever was changed before reads as it was meant.
        #expect(entry.text == before || entry.entry.isEnabled)
    }

    @Test func aNewEntryNamesTheLibraryItsHashAndWhatItMayReach() throws {
        let entry = try EntryText(library: "libAcme.so", sha256: Self.hash, egress: ["api.acme.example:443", "*.acme.example:443"])
        #expect(entry.entry.egressAllow == ["api.acme.example:443", "*.acme.example:443"])
        #expect(entry.entry.library == "libAcme.so" && entry.entry.sha256 == Self.hash)
        #expect(throws: EntryText.Refusal.self) { try EntryText(library: "a.so", sha256: Self.hash, egress: ["x\"]\n  ca_file: /tmp/x #"]) }
    }
}
