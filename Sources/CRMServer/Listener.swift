internal import Hummingbird
internal import Logging
internal import NIOCore

/// Where a server listens, and what it bears from whoever connects.
package struct Listener: Sendable {
    package var host: String
    /// 0 lets the system choose.
    package var port: Int
    package var maximumConnections = 2_000
    /// How long a connection may be silent, also in the middle of a header.
    package var idleTimeout: Duration = .seconds(10)

    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    func application(
        _ router: Router<APIContext>, _ logger: Logger, _ onRunning: @escaping @Sendable (_ port: Int) async -> Void
    ) -> some ApplicationProtocol {
        Application(
            router: router,
            // The server's own limits allow 80 KiB in 1,000 fields.
            server: .http1(
                configuration: .init(
                    idleTimeout: TimeAmount(idleTimeout),
                    httpDecoderConfiguration: .init(maxHeaderFieldSize: 16 * 1_024, maxHeaderListSize: 32 * 1_024, maxHeaderFieldCount: 100)
                )),
            configuration: ApplicationConfiguration(
                address: .hostname(host, port: port), serverName: nil,
                availableConnectionsDelegate: .maximum(maximumConnections, logger: logger)),
            onServerRunning: { channel in await onRunning(channel.localAddress?.port ?? 0) }, logger: logger)
    }
}
