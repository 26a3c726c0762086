import CRMCore
import CRMPluginAPI
import Logging

extension InstanceHost {
    private static let maximumTextBytes = 1_024
    private static let maximumFields = 32

    func isLogged(_ level: Int32) -> Bool { logger.logLevel <= Self.level(level) }

    func log(_ level: Int32, _ operation: UInt64, _ message: crm_str, _ fields: crm_bytes) {
        let level = Self.level(level)
        guard logger.logLevel <= level else { return }
        var metadata: Logger.Metadata = [:]
        if fields.len > 0, fields.len <= 64 << 10, let object = (try? JSONValue(parsing: borrowedBytes(fields)))?.objectValue {
            for (key, value) in object.prefix(Self.maximumFields) {
                metadata["provider.\(key)"] = .string(String((value.stringValue ?? value.text).prefix(Self.maximumTextBytes)))
            }
        }
        if operation != 0 { metadata["op_id"] = "\(operation)" }
        logger.log(level: level, "\(borrowedText(message, limit: Self.maximumTextBytes))", metadata: metadata)
    }

    private static func level(_ level: Int32) -> Logger.Level {
        switch level {
        case ...CRM_LOG_TRACE: .trace
        case CRM_LOG_DEBUG: .debug
        case CRM_LOG_INFO: .info
        case CRM_LOG_WARNING: .warning
        default: .error
        }
    }
}
