import FoundationEssentials
import Glibc

/// Makes the state directory if it is missing; only this user may look into it.
func prepareStateDirectory(_ path: String) throws {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
}
