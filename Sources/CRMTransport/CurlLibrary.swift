import CCurl

/// libcurl's process-wide state, made ready once.
enum CurlLibrary {
    /// Throws where a promise of ours could not be kept with the libcurl at hand.
    static func prepare() throws(TransportSetupError) { try outcome.get() }

    private static let outcome: Result<Void, TransportSetupError> = {
        guard curl_global_init(ccurl_global_default()) == CURLE_OK else {
            return .failure(TransportSetupError("curl_global_init failed"))
        }
        guard let version = ccurl_version() else {
            return .failure(TransportSetupError("curl_version_info failed"))
        }
        // Without an asynchronous resolver a slow name server would hold every call of the thread, past all deadlines.
        for (feature, name) in [(CURL_VERSION_ASYNCHDNS, "an asynchronous resolver"), (CURL_VERSION_SSL, "TLS")]
        where version.pointee.features & feature == 0 {
            return .failure(TransportSetupError("this libcurl was built without \(name); install libcurl4-openssl-dev 7.85 or newer"))
        }
        return .success(())
    }()
}
