import NIOCore
import NIOHTTP1

/// One caller's connection: gathers a request, has the sandbox answer it, now or after the delay a script asks for, or hangs up.
///
/// The pipeline in front of it hands over the next request only when this one is answered.
final class HTTPConnection: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    static let bodyLimit = 6 * 1024 * 1024

    private let sandbox: Sandbox
    private let openConnections: OpenConnections
    private var head: HTTPRequestHead?
    private var body = ByteBuffer()
    private var hasRefused = false

    init(sandbox: Sandbox, openConnections: OpenConnections) {
        self.sandbox = sandbox
        self.openConnections = openConnections
    }

    func channelActive(context: ChannelHandlerContext) {
        openConnections.insert(context.channel)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        openConnections.remove(context.channel)
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            body.clear()
            if head.headers["expect"].contains(where: { $0.lowercased() == "100-continue" }) {
                context.writeAndFlush(wrapOutboundOut(.head(HTTPResponseHead(version: head.version, status: .continue))), promise: nil)
            }
        case .body(var part):
            guard head != nil else { return }
            body.writeBuffer(&part)
            if body.readableBytes > Self.bodyLimit { refuseBody(context) }
        case .end:
            if hasRefused { context.close(promise: nil) }
            guard let head else { return }
            self.head = nil
            receive(head, context)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    private func receive(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        let request = Request(method: head.method.rawValue, target: head.uri, headers: head.headers, body: Array(body.readableBytesView))
        body.clear()
        let visit = sandbox.receive(request)
        guard visit.delay > .zero else { return conclude(visit, head, context) }
        let bound = NIOLoopBound((self, visit, context), eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: TimeAmount(visit.delay)) {
            let (connection, visit, context) = bound.value
            connection.conclude(visit, head, context)
        }
    }

    private func conclude(_ visit: Visit, _ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        guard let answer = sandbox.conclude(visit) else {
            context.close(promise: nil)
            return
        }
        write(answer, keepAlive: head.isKeepAlive, context)
    }

    private func refuseBody(_ context: ChannelHandlerContext) {
        head = nil
        body.clear()
        hasRefused = true
        write(.problem(413, "body_too_large", "A body holds at most 6 MiB."), keepAlive: false, closesAtOnce: false, context)
        // Hanging up while the caller still sends would take the answer from it: the rest is read and dropped, for a while.
        let channel = context.channel
        context.eventLoop.scheduleTask(in: .seconds(5)) { channel.close(promise: nil) }
    }

    private func write(_ answer: Answer, keepAlive: Bool, closesAtOnce: Bool = true, _ context: ChannelHandlerContext) {
        guard context.channel.isActive else { return }
        var headers = HTTPHeaders(answer.headers)
        if answer.status != 204 { headers.replaceOrAdd(name: "Content-Length", value: String(answer.body.count)) }
        if !keepAlive { headers.replaceOrAdd(name: "Connection", value: "close") }
        let head = HTTPResponseHead(version: .http1_1, status: HTTPResponseStatus(statusCode: answer.status), headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        switch answer.manner {
        case .whole: writeBody(answer.body[...], context)
        case .dripped(let time):
            context.flush()
            drip(answer.body[...], over: time, context) { connection, context in
                connection.writeEnd(closes: !keepAlive && closesAtOnce, context)
            }
            return
        case .truncated(let count):
            let cut = context.eventLoop.makePromise(of: Void.self)
            let channel = context.channel
            cut.futureResult.whenComplete { _ in channel.close(promise: nil) }
            let part = context.channel.allocator.buffer(bytes: answer.body.prefix(count))
            context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(part))), promise: cut)
            return
        }
        writeEnd(closes: !keepAlive && closesAtOnce, context)
    }

    private static let drops = 10

    /// One piece after each part of the time; `end` when all are written.
    private func drip(
        _ body: ArraySlice<UInt8>, over time: Duration, pieces: Int = HTTPConnection.drops, _ context: ChannelHandlerContext,
        end: @escaping (HTTPConnection, ChannelHandlerContext) -> Void
    ) {
        let bound = NIOLoopBound((self, context, end), eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: TimeAmount(time / Self.drops)) {
            let (connection, context, end) = bound.value
            guard context.channel.isActive else { return }
            let size = (body.count + pieces - 1) / pieces
            connection.writeBody(body.prefix(size), context)
            context.flush()
            let rest = body.dropFirst(size)
            if pieces == 1 {
                end(connection, context)
            } else {
                connection.drip(rest, over: time, pieces: pieces - 1, context, end: end)
            }
        }
    }

    private func writeBody(_ bytes: ArraySlice<UInt8>, _ context: ChannelHandlerContext) {
        guard !bytes.isEmpty else { return }
        context.write(wrapOutboundOut(.body(.byteBuffer(context.channel.allocator.buffer(bytes: bytes)))), promise: nil)
    }

    private func writeEnd(closes: Bool, _ context: ChannelHandlerContext) {
        let written = context.eventLoop.makePromise(of: Void.self)
        if closes {
            let channel = context.channel
            written.futureResult.whenComplete { _ in channel.close(promise: nil) }
        }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: written)
    }
}
