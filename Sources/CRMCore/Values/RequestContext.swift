/// Who caused a change and through which request: what audit and log rows carry.
package struct RequestContext: Sendable, Hashable {
    package enum Actor: Sendable, Hashable {
        case user(uid: String)
        case serverKey(id: String)
        case platformKey(id: String)
        case `operator`(name: String)
        case system
    }

    package var actor: Actor
    package var requestID: String
    package var traceparent: String?
    package var ip: String?
    package var userAgent: String?

    package init(actor: Actor, requestID: String, traceparent: String? = nil, ip: String? = nil, userAgent: String? = nil) {
        self.actor = actor
        self.requestID = requestID
        self.traceparent = traceparent
        self.ip = ip
        self.userAgent = userAgent
    }
}
