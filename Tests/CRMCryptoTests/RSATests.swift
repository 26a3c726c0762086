import CRMCrypto
import Testing

@Suite struct RSATests {
    @Test(arguments: ["PKCS #8", "PKCS #1"])
    func signsAsTheCommandLineDoes(form: String) throws {
        let key = try RSAPrivateKey(pem: form == "PKCS #8" ? OpenSSLVectors.pkcs8 : OpenSSLVectors.pkcs1)
        #expect(try key.signRS256(OpenSSLVectors.message) == OpenSSLVectors.signature)
        #expect(key.publicKey.modulus == OpenSSLVectors.modulus)
        #expect(key.publicKey.exponent == [1, 0, 1])
        #expect(key.publicKey.bits == 2_048)
    }

    @Test func acceptsTheSignatureOfTheCommandLine() throws {
        let key = try RSAPublicKey(modulus: OpenSSLVectors.modulus, exponent: [1, 0, 1])
        #expect(key.bits == 2_048)
        #expect(key.isValidRS256(signature: OpenSSLVectors.signature, message: OpenSSLVectors.message))
    }

    @Test func leadingZerosChangeNothing() throws {
        let key = try RSAPublicKey(modulus: [0, 0] + OpenSSLVectors.modulus, exponent: [0, 1, 0, 1])
        #expect(key.modulus == OpenSSLVectors.modulus)
        #expect(key.exponent == [1, 0, 1])
        #expect(key.isValidRS256(signature: OpenSSLVectors.signature, message: OpenSSLVectors.message))
    }

    @Test func refusesAnyFlippedBit() throws {
        let key = try RSAPublicKey(modulus: OpenSSLVectors.modulus, exponent: [1, 0, 1])
        for index in OpenSSLVectors.signature.indices {
            var signature = OpenSSLVectors.signature
            signature[index] ^= 0x10
            #expect(!key.isValidRS256(signature: signature, message: OpenSSLVectors.message))
        }
        for index in OpenSSLVectors.message.indices {
            var message = OpenSSLVectors.message
            message[index] ^= 0x01
            #expect(!key.isValidRS256(signature: OpenSSLVectors.signature, message: message))
        }
    }

    @Test func refusesSignaturesOfAnotherLength() throws {
        let key = try RSAPublicKey(modulus: OpenSSLVectors.modulus, exponent: [1, 0, 1])
        let signature = OpenSSLVectors.signature
        let others = [[], Array(signature.dropLast()), Array(signature.dropFirst()), signature + [0], [0] + signature]
        for other in others { #expect(!key.isValidRS256(signature: other, message: OpenSSLVectors.message)) }
    }

    @Test func refusesTheRawPaddedHash() throws {
        // What a verifier that forgets the padding of PKCS #1 would take.
        let key = try RSAPublicKey(modulus: OpenSSLVectors.modulus, exponent: [1, 0, 1])
        let hash = SHA256.hash(OpenSSLVectors.message)
        #expect(!key.isValidRS256(signature: repeated(0, 224) + hash, message: OpenSSLVectors.message))
    }

    @Test func anotherKeyRefuses() throws {
        let one = try RSAPrivateKey.generate(bits: 2_048)
        let other = try RSAPrivateKey.generate(bits: 2_048)
        let signature = try one.signRS256([1, 2, 3])
        #expect(one.publicKey.isValidRS256(signature: signature, message: [1, 2, 3]))
        #expect(!other.publicKey.isValidRS256(signature: signature, message: [1, 2, 3]))
    }

    @Test func theEmptyMessageIsSignedToo() throws {
        let key = try RSAPrivateKey(pem: OpenSSLVectors.pkcs8)
        let signature = try key.signRS256([])
        #expect(key.publicKey.isValidRS256(signature: signature, message: []))
        #expect(!key.publicKey.isValidRS256(signature: signature, message: [0]))
    }

    @Test(
        arguments: [
            ([], [1, 0, 1]),
            ([0, 0], [1, 0, 1]),
            (OpenSSLVectors.modulus.dropLast() + [0x7E], [1, 0, 1]),
            (OpenSSLVectors.modulus, []),
            (OpenSSLVectors.modulus, [1, 0, 0]),
            (repeated(0xFF, 2_049), [1, 0, 1]),
        ] as [([UInt8], [UInt8])])
    func refusesNumbersThatAreNoKey(modulus: [UInt8], exponent: [UInt8]) {
        let error = #expect(throws: CryptoError.self) { _ = try RSAPublicKey(modulus: modulus, exponent: exponent) }
        #expect(error?.code == .invalidKey)
    }

    /// Named, so that no key appears in the output of a test run.
    static let noRSAPrivateKeys = [
        "nothing": "",
        "prose": "no key",
        "zeros": OpenSSLVectors.pem("PRIVATE KEY", "AAAA"),
        "a public key": OpenSSLVectors.pem("PUBLIC KEY", "AAAA"),
        "an encrypted key": OpenSSLVectors.encrypted,
        "an EC key": OpenSSLVectors.ellipticCurve,
        "half a key": String(OpenSSLVectors.pkcs8.dropLast(200)),
    ]

    @Test(arguments: noRSAPrivateKeys.keys.sorted())
    func refusesWhatIsNoRSAPrivateKey(name: String) throws {
        let pem = try #require(Self.noRSAPrivateKeys[name])
        let error = #expect(throws: CryptoError.self) { _ = try RSAPrivateKey(pem: pem) }
        #expect(error?.code == .invalidKey)
    }

    @Test func neitherErrorsNorDescriptionsShowTheKey() throws {
        let key = try RSAPrivateKey(pem: OpenSSLVectors.pkcs8)
        #expect("\(key)" == "RSAPrivateKey(2048 bits)")
        #expect(String(reflecting: key) == "RSAPrivateKey(2048 bits)")
        #expect(Mirror(reflecting: key).children.isEmpty)
        let damaged = OpenSSLVectors.pkcs8.replacing("MIIEvAIBADAN", with: "MIIEvAIBADAM")
        let error = #expect(throws: CryptoError.self) { _ = try RSAPrivateKey(pem: damaged) }
        let shown = error.map { "\($0)\(String(reflecting: $0))" } ?? ""
        #expect(!shown.isEmpty)
        for line in damaged.split(separator: "\n") { #expect(!shown.contains(line)) }
    }

    @Test func impossibleSizesAreRefused() {
        for bits in [-1, 0, 256, 1 << 40] {
            #expect(throws: CryptoError.self) { _ = try RSAPrivateKey.generate(bits: bits) }
        }
    }

    @Test func oneKeyServesManyTasksAtOnce() async throws {
        let key = try RSAPublicKey(modulus: OpenSSLVectors.modulus, exponent: [1, 0, 1])
        let accepted = await withTaskGroup(of: Bool.self, returning: Int.self) { group in
            for task in 0..<64 {
                group.addTask {
                    let message = task.isMultiple(of: 2) ? OpenSSLVectors.message : OpenSSLVectors.message + [0]
                    return key.isValidRS256(signature: OpenSSLVectors.signature, message: message)
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(accepted == 32)
    }
}
