import CRMCrypto
import Glibc

/// Private copies of libraries, named by their content: what is loaded from here can be neither overwritten nor confused with an older
/// file of the same name, which the dynamic linker would hand out again.
struct LibraryStore: Sendable {
    /// `$CRM_STATE_DIR/store`.
    let directory: String

    /// Returns the path of the copy, made now or found intact.
    func keep(_ file: LibraryFile) throws(LibraryError) -> String {
        let folder = "\(directory)/\(file.hexadecimal)"
        try makePrivateDirectory(folder)
        let path = "\(folder)/\(file.name)"
        // Its time says when it was last wanted.
        if (try? LibraryFile(path: path))?.sha256 == file.sha256 {
            utimensat(AT_FDCWD, path, nil, 0)
            return path
        }
        try writePrivately(file.bytes, to: path, in: folder, mode: 0o500)
        guard try LibraryFile(path: path).sha256 == file.sha256 else {
            throw LibraryError(.store, "the copy \(path) is not what was written")
        }
        return path
    }
}
