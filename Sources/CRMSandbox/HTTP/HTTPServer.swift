import NIOCore
import NIOHTTP1
import NIOPosix

/// Listens on loopback. Everything, the sandbox's state included, lives on one event loop: requests are handled one after another
/// in the order in which they arrive, so there is one global order and nothing to lock.
struct HTTPServer {
    private let group: MultiThreadedEventLoopGroup
    private let channel: any Channel
    private let content: NIOLoopBoundBox<Content>

    private struct Content {
        let sandbox: Sandbox
        let openConnections: OpenConnections
    }

    /// The port of the system's choice when `port` is 0.
    var port: Int { channel.localAddress?.port ?? 0 }

    static func start(port: Int, _ sandbox: sending Sandbox) throws -> HTTPServer {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let content = NIOLoopBoundBox.makeBoxSendingValue(
            Content(sandbox: sandbox, openConnections: OpenConnections()), eventLoop: group.next())
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.configureHTTPServerPipeline()
                    let content = content.value
                    try pipeline.addHandler(HTTPConnection(sandbox: content.sandbox, openConnections: content.openConnections))
                }
            }
        let channel = try bootstrap.bind(host: "127.0.0.1", port: port).wait()
        return HTTPServer(group: group, channel: channel, content: content)
    }

    /// Stops listening, hangs up on everybody, then ends the thread.
    func stop() throws {
        let content = content
        try channel.close().wait()
        try group.next().submit { content.value.openConnections.closeAll() }.wait()
        try group.syncShutdownGracefully()
    }
}

/// The connections to hang up on when the server stops.
final class OpenConnections {
    private var channels: [ObjectIdentifier: any Channel] = [:]

    func insert(_ channel: any Channel) { channels[ObjectIdentifier(channel)] = channel }
    func remove(_ channel: any Channel) { channels[ObjectIdentifier(channel)] = nil }

    func closeAll() {
        // Closing calls `remove`.
        for channel in Array(channels.values) { channel.close(promise: nil) }
    }
}
