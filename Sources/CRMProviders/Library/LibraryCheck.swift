/// What can be said about a library without running any of it.
package enum LibraryCheck {
    package static func findings(path: String) -> [LibraryFinding] {
        let file: LibraryFile
        do throws(LibraryError) {
            file = try LibraryFile(path: path)
        } catch {
            return [LibraryFinding(error)]
        }
        let about = [LibraryRule.fileReadable, .fileRegular, .fileNotWritable, .fileComplete].map { LibraryFinding($0) }
        do throws(LibraryError) {
            return about + [LibraryFinding(.elfFormat, .pass, "sha256 \(file.hexadecimal)")] + (try file.image().findings)
        } catch {
            return about + [LibraryFinding(error)]
        }
    }
}
