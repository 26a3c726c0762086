internal import CRMPluginAPI

/// The host's log. Messages are constant text, what varies goes into `fields`; neither holds a credential or personal data.
public struct ProviderLog: Sendable {
    private let host: HostTable<crm_host_v1>
    private let operationID: UInt64

    init(_ host: HostTable<crm_host_v1>, operationID: UInt64 = 0) {
        self.host = host
        self.operationID = operationID
    }

    public func debug(_ message: StaticString, _ fields: @autoclosure () -> JSONObject = [:]) {
        write(CRM_LOG_DEBUG, message, fields)
    }

    public func info(_ message: StaticString, _ fields: @autoclosure () -> JSONObject = [:]) {
        write(CRM_LOG_INFO, message, fields)
    }

    public func warning(_ message: StaticString, _ fields: @autoclosure () -> JSONObject = [:]) {
        write(CRM_LOG_WARNING, message, fields)
    }

    public func error(_ message: StaticString, _ fields: @autoclosure () -> JSONObject = [:]) {
        write(CRM_LOG_ERROR, message, fields)
    }

    private func write(_ level: Int32, _ message: StaticString, _ fields: () -> JSONObject) {
        let host = host.table
        guard host.log_enabled(host.ctx, level) != 0 else { return }
        let fields = fields()
        var texts = BorrowedTexts()
        let text = texts.append(message.description.utf8)
        let json = texts.append(fields.isEmpty ? [] : JSONValue.object(fields).serialized())
        texts.storage.withUnsafeBytes { memory in
            host.log(host.ctx, level, operationID, memory.text(text), memory.bytes(json))
        }
    }
}
