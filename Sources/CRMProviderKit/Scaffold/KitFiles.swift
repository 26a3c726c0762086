internal import CRMKitFiles

/// The files of the kit, as this executable carries them.
enum KitFiles {
    /// The version that packages are stamped with: the SDK's.
    static let version = "0.1.0"

    struct File {
        /// The first part says where it comes from: `swift/`, `c/`, `api/`, `sdk/`, `fakehost/`, `testkit/`.
        let path: String
        let bytes: [UInt8]
    }

    static var all: [File] {
        var count = 0
        let files = UnsafeBufferPointer(start: crm_kit_files(&count), count: count)
        return files.map { File(path: String(cString: $0.path), bytes: Array(UnsafeBufferPointer(start: $0.bytes, count: $0.size))) }
    }
}
