internal import CRMCore
package import Hummingbird
internal import NIOCore
internal import Synchronization

/// What the parts of the server know about one request while they work on it.
package struct APIContext: Hummingbird.RequestContext {
    package var coreContext: CoreRequestContextStorage
    let channel: any Channel
    /// Set by the edge before anything else runs.
    var requestID = ""
    var clientAddress = ""
    let progress = RequestProgress()

    package init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
    }
}

/// What becomes known about a request below the edge, for the edge.
final class RequestProgress: Sendable {
    private let state = Mutex((bodyWasRead: false, merchant: MerchantID?.none))

    var bodyWasRead: Bool {
        get { state.withLock { $0.bodyWasRead } }
        set { state.withLock { $0.bodyWasRead = newValue } }
    }

    /// Whose request it is, for the access log.
    var merchant: MerchantID? {
        get { state.withLock { $0.merchant } }
        set { state.withLock { $0.merchant = newValue } }
    }
}
