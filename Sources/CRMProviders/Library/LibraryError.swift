/// Why a library is not taken into service: in the words an operator or the library's author needs.
package struct LibraryError: Error, Hashable, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}
