import CRMCore
import Glibc
import Logging

/// Writes each log line as one JSON object, or as plain text for a terminal, to standard error.
struct LineLogHandler: LogHandler {
    let label: String
    let format: HostConfiguration.LogFormat
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?
    let now: WallClock

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var fields = metadata
        if let provided = metadataProvider?.get() { fields.merge(provided) { $1 } }
        if let given = event.metadata { fields.merge(given) { $1 } }
        let line = format == .json ? json(event, fields) : plain(event, fields)
        // One write a line: lines of several threads do not mix.
        _ = line.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    private func json(_ event: LogEvent, _ fields: Logger.Metadata) -> [UInt8] {
        var members: JSONObject = [
            "at": .string(now().description), "level": .string(event.level.rawValue), "logger": .string(label),
            "message": .string(event.message.description),
        ]
        for (key, value) in fields.sorted(by: { $0.key < $1.key }) { members[key] = .string(value.description) }
        return JSONValue.object(members).serialized() + [UInt8(ascii: "\n")]
    }

    private func plain(_ event: LogEvent, _ fields: Logger.Metadata) -> [UInt8] {
        let tail = fields.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
        let text = "\(now()) \(event.level.rawValue.uppercased()) \(label): \(event.message)\(tail)"
        // Control characters in what others say must not reach a terminal.
        return text.utf8.map { $0 < 0x20 || $0 == 0x7F ? UInt8(ascii: " ") : $0 } + [UInt8(ascii: "\n")]
    }
}
