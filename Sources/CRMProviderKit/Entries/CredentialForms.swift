package import CRMCore

/// What two versions of a provider want of a merchant: whether credentials that were good for the one are complete for the other.
package struct CredentialForms: Sendable {
    private struct Form: Sendable {
        let required: Set<String>
        let known: Set<String>

        init(required: Set<String>, known: Set<String>) {
            self.required = required
            self.known = known
        }

        init(_ schema: JSONValue) {
            required = Set((schema["required"]?.arrayValue ?? []).compactMap(\.stringValue))
            known = Set(schema["properties"]?.objectValue?.keys ?? [])
        }
    }

    private let forms: [Form]

    package init(_ schema: JSONValue) {
        let outer = Form(schema)
        let inner = (schema["oneOf"]?.arrayValue ?? []).map { Form($0) }
        forms =
            inner.isEmpty ? [outer] : inner.map { Form(required: $0.required.union(outer.required), known: $0.known.union(outer.known)) }
    }

    /// Members that stored credentials may lack, for the form that comes closest; empty when every one of them suffices.
    package func missing(in stored: CredentialForms) -> Set<String> {
        stored.forms.reduce(into: []) { missing, old in
            // A form that knows less than what is stored would refuse the rest: forms are closed.
            let lacking = forms.filter { old.required.isSubset(of: $0.known) }.map { $0.required.subtracting(old.required) }
            missing.formUnion(lacking.min { $0.count < $1.count } ?? forms.first?.required ?? [])
        }
    }
}
