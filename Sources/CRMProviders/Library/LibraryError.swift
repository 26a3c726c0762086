/// Why a library is not taken into service: the rule that it breaks, in the words an operator or the library's author needs.
package struct LibraryError: Error, Hashable, CustomStringConvertible {
    package let rule: LibraryRule
    /// What was found.
    package let detail: String
    /// What to do about it.
    package let fix: String?

    package init(_ rule: LibraryRule, _ detail: String, fix: String? = nil) {
        self.rule = rule
        self.detail = detail
        self.fix = fix
    }

    package var description: String { fix.map { "\(detail); \($0)" } ?? detail }
}
