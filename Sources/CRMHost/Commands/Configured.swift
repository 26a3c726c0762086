import ArgumentParser
import FoundationEssentials
import Glibc
import Logging

/// Reads the configuration, or ends with all that is wrong with it.
func loadConfiguration() throws -> HostConfiguration {
    let file = FileManager.default.contents(atPath: ".env").map { DotEnv.variables(in: String(decoding: $0, as: UTF8.self)) }
    do {
        return try HostConfiguration(Settings(process: ProcessInfo.processInfo.environment, dotEnv: file ?? [:]))
    } catch {
        complain(error.description)
        throw ExitCode.configuration
    }
}

/// One message for the person at the terminal.
func complain(_ message: String) {
    let line = Array("crm-host: \(message)\n".utf8)
    _ = line.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
}

/// Sends every log line through our handler. Once per process.
func startLogging(_ configuration: HostConfiguration) {
    let (format, level) = (configuration.logFormat, configuration.logLevel)
    LoggingSystem.bootstrap { label in LineLogHandler(label: label, format: format, logLevel: level, now: systemNow) }
}
