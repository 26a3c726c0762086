import CRMPluginSDK
import Testing

@Suite struct EncodingTests {
    @Test(arguments: [
        ("", ""), ("abc-XYZ_0.9~", "abc-XYZ_0.9~"), ("a b/c?d=e&f", "a%20b%2Fc%3Fd%3De%26f"), ("ünï", "%C3%BCn%C3%AF"),
        ("'+*%", "%27%2B%2A%25"),
    ])
    func encodesWhatCouldLeaveItsPlace(_ text: String, _ encoded: String) {
        #expect(PercentEncoding.encode(text) == encoded)
    }

    @Test func encodesForms() {
        let body = FormEncoding.encode(["grant_type": "client_credentials", "a b": "1+1=2&3", "é": "", "x": "-._*~"])
        #expect(String(decoding: body, as: UTF8.self) == "grant_type=client_credentials&a+b=1%2B1%3D2%263&%C3%A9=&x=-._*%7E")
        #expect(FormEncoding.encode([:]).isEmpty)
        #expect(FormEncoding.mediaType == "application/x-www-form-urlencoded")
    }

    /// RFC 4648, 10.
    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
    ])
    func encodesBase64(_ text: String, _ encoded: String) {
        #expect(Base64.encode(text) == encoded)
    }

    @Test func base64KnowsEveryByte() {
        #expect(Base64.encode([0xFB, 0xEF, 0xBE, 0xFF, 0xFF, 0xFF]) == "++++////")
        #expect(Base64.encode([UInt8](repeating: 0, count: 4)) == "AAAAAA==")
    }

    /// Made with Python's `uuid.uuid5`; the lengths of the names lie on both sides of SHA-1's blocks and of its padding.
    @Test(arguments: uuids) func derivesUUIDs(_ name: String, _ uuid: String) {
        #expect(UUIDv5(namespace: .dns, name: name).description == uuid)
    }

    @Test func namespacesKeepNamesApart() {
        #expect(UUIDv5(namespace: .url, name: "https://www.example.com/").description == "3d3ed9d2-aa3d-5fa6-90e8-ed662e90f559")
        let own = UUIDv5(namespace: .dns, name: "crm.example").namespace
        #expect(UUIDv5(namespace: own, name: "order-1").description == "238a1063-21ec-5a29-a336-89fd7c1e3a2d")
        #expect(UUIDv5(namespace: .dns, name: "order-1") != UUIDv5(namespace: own, name: "order-1"))
        #expect(UUIDv5.Namespace(0x6ba7_b810_9dad_11d1, 0x80b4_00c0_4fd4_30c8) == .dns)
    }

    static let uuids = [
        ("www.example.com", "2ed6657d-e927-568b-95e1-2665a8aea6a2"),
        ("", "4ebd0208-8328-5d69-8c44-ec50939c0967"),
        ("ключ", "ff123a47-9d83-5361-b0a1-db044a308d6f"),
        (String(repeating: "a", count: 38), "fa465dc7-82d5-5c3b-a5bb-9b8f3132a2b7"),
        (String(repeating: "a", count: 39), "5824f981-4282-59d4-9716-acb6d741350e"),
        (String(repeating: "a", count: 40), "39f39c20-db47-5131-8879-62f8f67f9014"),
        (String(repeating: "a", count: 47), "660c273c-8a00-5941-b6f4-8d0afed88966"),
        (String(repeating: "a", count: 48), "7280cc42-274a-5c4a-91fc-ae23f853eeb7"),
        (String(repeating: "a", count: 49), "69349718-028b-5ff0-a00f-c024ded6e6ee"),
        (String(repeating: "a", count: 103), "1cf1b329-74b7-50b0-a819-28e28c61c775"),
        (String(repeating: "a", count: 104), "31477a3f-211d-5651-b3ce-be7c82999e70"),
        (String(repeating: "a", count: 111), "5a333448-30c7-569b-ab96-842bddfbe8ca"),
        (String(repeating: "a", count: 112), "ab683ad5-4de4-5faf-bf37-0788e34176da"),
        (String(repeating: "a", count: 113), "e266259e-d3b2-50cd-b9c3-a87855dfaa68"),
        (String(repeating: "a", count: 1000), "062a6b1a-ddc3-5fcc-b238-790846e533d6"),
    ]
}
