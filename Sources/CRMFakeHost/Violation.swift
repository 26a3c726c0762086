/// A promise of the ABI that a provider broke without harm to the fake host.
package enum Violation: Sendable, Hashable {
    /// A struct of another size than the ABI's.
    case size(of: String, UInt32)
    /// Bytes that are not UTF-8 where text is due.
    case notText(String)
    /// A service was used for an operation that had ended or that there never was.
    case operationGone(UInt64, service: String)
    /// An operation ended more than once.
    case endedAgain(UInt64)
    /// `on_error` was called although an instance was made.
    case refusedAndMade
    /// The host was called although the instance had closed.
    case calledAfterClose(String)
    /// An instance said more than once that it closed.
    case closedAgain
}
