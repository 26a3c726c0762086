internal import CRMPluginSDK
internal import Synchronization

/// How calls reach a site.
protocol Line: Sendable {
    func answer(to call: Call) async throws -> Answer
}

extension Connection: Line {}

/// What one contact or one event needs of a site: the calls, what the merchant chose, and what was left out on the way.
struct Conversation: Sendable {
    let settings: Settings
    let context: OperationContext
    private let line: any Line
    private let memo = Memo()

    init(_ line: any Line, _ settings: Settings, _ context: OperationContext) {
        self.line = line
        self.settings = settings
        self.context = context
    }

    /// What the call wanted; anything else is thrown as what `Errors.swift` makes of it.
    @discardableResult func send(_ call: Call) async throws -> JSONValue {
        let answer = try await line.answer(to: call)
        guard let result = answer.result(of: call) else { throw CRMError(answer, call, context) }
        return result
    }

    func rows(_ page: Page) async throws -> [JSONValue] { try await send(.rows(page)).arrayValue ?? [] }

    /// `nil` when there is none.
    func record(_ entity: String, _ id: GUID, _ page: Page? = nil) async throws -> JSONValue? {
        do {
            let row = try await send(.record(entity, id, page))
            // A site may answer with another record than the one that was asked for.
            return row.recordID == id ? row : nil
        } catch let error as CRMError where error.status == .notFound {
            return nil
        }
    }

    var warnings: [Warning] { memo.warnings.withLock { $0 } }

    func warn(_ code: String, _ field: String?, _ detail: String) { warn(Warning(code: code, field: field, detail: detail)) }

    func warn(_ warning: Warning) {
        memo.warnings.withLock { if !$0.contains(warning) { $0.append(warning) } }
    }

    private final class Memo: Sendable {
        let warnings = Mutex<[Warning]>([])
        let missing = Mutex<Set<String>>([])
    }
}

// MARK: - What a site does not have

extension Conversation {
    /// Something that not every site has, or lets every user see: `Contact.UsrExternalId`, `ContactCommunication`.
    func isKnownToBeMissing(_ thing: String) async -> Bool {
        if memo.missing.withLock({ $0.contains(thing) }) { return true }
        return await context.cache.look("missing \(thing)") != nil
    }

    /// An administrator may add it at any time, so this is believed for ten minutes.
    func remember(missing thing: String) async {
        memo.missing.withLock { _ = $0.insert(thing) }
        await keep("missing \(thing)", [1], for: .seconds(600))
    }

    func isKnownToExist(_ thing: String) async -> Bool { await context.cache.look("present \(thing)") != nil }

    func remember(present thing: String) async { await keep("present \(thing)", [1], for: .seconds(3600)) }

    /// Without waiting for anybody: in a batch the others wait for this item.
    func keep(_ key: String, _ value: [UInt8], for time: Duration) async {
        guard await context.cache.look(key) == nil else { return }
        _ = try? await context.cache.value(key) { SessionCache.Made(value, timeToLive: time) }
    }
}

// MARK: - Where things are

extension Conversation {
    /// The id that a thing of this connection has in Creatio if we make it: the same for the same thing, however often it is made.
    func id(of thing: String) throws(CRMError) -> GUID {
        let connection = UUIDv5(namespace: Self.namespace, name: context.account)
        guard let id = GUID(UUIDv5(namespace: connection.namespace, name: thing).description) else {
            throw CRMError(.internal, code: "creatio.no_id", message: "an id could not be derived")
        }
        return id
    }

    private static let namespace = UUIDv5(namespace: .dns, name: "creatio.com").namespace
}
