/// How an answer goes over the wire.
enum Manner {
    case whole
    /// The head at once, the body in small pieces spread over the time.
    case dripped(over: Duration)
    /// The head promises the whole body; after so many bytes of it the connection is cut.
    case truncated(after: Int)
}
