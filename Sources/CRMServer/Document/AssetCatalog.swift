internal import CRMCore
internal import FoundationEssentials

/// The static files of the documentation's pages: those that were in the directory at the start, and no others.
struct AssetCatalog: Sendable {
    /// By their paths below the directory.
    private let files: [String: String]

    init(directory: String?) {
        guard let directory, let paths = try? FileManager.default.subpathsOfDirectory(atPath: directory) else {
            files = [:]
            return
        }
        files = Dictionary(
            paths.filter { Self.contentType(of: $0) != nil }.map { ($0, directory + "/" + $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The path of the file of this name, wherever it lies.
    func path(of name: String) -> String? {
        files.keys.filter { $0 == name || $0.hasSuffix("/" + name) }.min { ($0.count, $0) < ($1.count, $1) }
    }

    func content(at path: String) -> (bytes: [UInt8], type: String)? {
        guard let file = files[path], let type = Self.contentType(of: path), let data = FileManager.default.contents(atPath: file) else {
            return nil
        }
        return (Array(data), type)
    }

    private static func contentType(of path: String) -> String? {
        switch path.split(separator: ".").last {
        case "js": "text/javascript; charset=utf-8"
        case "css": "text/css; charset=utf-8"
        case "png": "image/png"
        case "map": "application/json"
        default: nil
        }
    }
}
