import CRMCore
import CRMCrypto
import Glibc

extension SigningKey {
    /// The key kept in a directory, made on first use. libcrypto's own tool writes the file, readable by nobody else.
    static func keptIn(_ directory: String) throws -> SigningKey {
        guard mkdir(directory, 0o700) == 0 || errno == EEXIST else {
            throw SetupError("Cannot make the directory \(directory): \(systemErrorText()). Give --state a directory that can be written.")
        }
        let path = "\(directory)/google-key.pem"
        if access(path, F_OK) != 0 { try makeFile(path) }
        guard let text = readFile(path) else { throw SetupError("Cannot read \(path): \(systemErrorText()).") }
        guard let key = try? RSAPrivateKey(pem: text), key.publicKey.bits == 2048 else {
            throw SetupError("\(path) holds no RSA key of 2048 bits in PEM. Remove the file; the next start makes a new one.")
        }
        return SigningKey(key)
    }

    private static func makeFile(_ path: String) throws(SetupError) {
        let fresh = "\(path).\(getpid())"
        let arguments = ["openssl", "genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", fresh]
        umask(0o077)
        guard run(arguments) == 0, rename(fresh, path) == 0 else {
            unlink(fresh)
            throw SetupError(
                "Cannot make \(path): \"\(arguments.dropLast().joined(separator: " ")) \(path)\" failed. Is openssl installed?")
        }
    }

    /// The exit status, or -1.
    private static func run(_ arguments: [String]) -> Int32 {
        var words = arguments.map { strdup($0) }
        words.append(nil)
        defer { for word in words { free(word) } }
        var child = pid_t()
        guard posix_spawnp(&child, arguments[0], nil, nil, words, environ) == 0 else { return -1 }
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0 { if errno != EINTR { return -1 } }
        return status
    }

    private static func readFile(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 16_384)
        let count = read(descriptor, &bytes, bytes.count)
        return count < 0 ? nil : String(decoding: bytes.prefix(count), as: UTF8.self)
    }
}
