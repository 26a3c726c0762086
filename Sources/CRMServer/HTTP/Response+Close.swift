internal import Hummingbird
internal import NIOCore

extension Response {
    /// Ends the connection after this answer instead of reading the rest of a body that nobody wants.
    ///
    /// First our side only: closing while the client still sends would reset the connection, and the reset can overtake the answer.
    mutating func closeWithoutReadingOn(_ channel: any Channel) {
        headers.set("Connection", "close")
        let original = body
        body = ResponseBody(contentLength: original.contentLength) { writer in
            try await original.write(writer)
            channel.close(mode: .output, promise: nil)
            channel.eventLoop.scheduleTask(in: .seconds(1)) { channel.close(promise: nil) }
        }
    }
}
