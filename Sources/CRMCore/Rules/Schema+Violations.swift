extension Schema {
    /// All that is wrong with a value, in the order of the value; empty when it fits.
    package func violations(of value: JSONValue) -> [SchemaViolation] {
        var found: [SchemaViolation] = []
        check(value, at: "", into: &found)
        return found
    }

    private func check(_ value: JSONValue, at pointer: String, into found: inout [SchemaViolation]) {
        if let form = nearestForm(to: value) { return form.check(value, at: pointer, into: &found) }
        guard kinds.isEmpty || kinds.contains(where: { $0.accepts(value) }) else {
            found.append(SchemaViolation(pointer: pointer, code: .wrongType, detail: "must be \(kindNames)"))
            return
        }
        if let allowed, !allowed.contains(value) {
            found.append(SchemaViolation(pointer: pointer, code: .notAllowed, detail: "must be \(Self.list(allowed))"))
            return
        }
        switch value {
        case .object(let members): check(members, at: pointer, into: &found)
        case .array(let elements):
            guard let schema = items.first else { return }
            for (index, element) in elements.enumerated() { schema.check(element, at: "\(pointer)/\(index)", into: &found) }
        case .string(let text):
            if let (code, detail) = complaint(about: text) { found.append(SchemaViolation(pointer: pointer, code: code, detail: detail)) }
        case .number(let number): check(number, at: pointer, into: &found)
        case .null, .bool: break
        }
    }

    private func check(_ members: JSONObject, at pointer: String, into found: inout [SchemaViolation]) {
        for name in required where members[name] == nil {
            found.append(SchemaViolation(pointer: pointer + pointerStep(name), code: .required, detail: "is required"))
        }
        for (name, value) in members {
            let place = pointer + pointerStep(name)
            if let property = properties.first(where: { $0.name == name }) {
                property.schema.check(value, at: place, into: &found)
            } else if let schema = others.first {
                schema.check(value, at: place, into: &found)
            } else if !isOpen {
                found.append(SchemaViolation(pointer: place, code: .unknownField, detail: "is not a field of this object"))
            }
        }
    }

    private func complaint(about text: String) -> (SchemaViolation.Code, String)? {
        let length = text.unicodeScalars.count
        if length < lengths.lowerBound {
            return (.tooShort, lengths.lowerBound == 1 ? "must not be empty" : "must have at least \(lengths.lowerBound) characters")
        }
        if length > lengths.upperBound { return (.tooLong, "must have at most \(lengths.upperBound) characters") }
        if !prefixes.isEmpty, !prefixes.contains(where: text.hasPrefix) {
            return (.wrongPrefix, "must start with \(prefixes.joined(separator: " or "))")
        }
        if let characters, !characters.accepts(text) {
            return (.wrongCharacter, "may only have characters of \(characters.description)")
        }
        if let format, !format.accepts(text) {
            return (format == .email ? .invalidEmail : format == .dateTime ? .invalidTime : .invalidFormat, format.expectation)
        }
        return nil
    }

    private func check(_ number: JSONNumber, at pointer: String, into found: inout [SchemaViolation]) {
        if let minimum, number.double < minimum {
            found.append(SchemaViolation(pointer: pointer, code: .outOfRange, detail: "must be at least \(Self.plain(minimum))"))
        }
        if let maximum, number.double > maximum {
            found.append(SchemaViolation(pointer: pointer, code: .outOfRange, detail: "must be at most \(Self.plain(maximum))"))
        }
    }

    /// The form that the object was meant to have, judged by the keys that are present; the first of equals.
    private func nearestForm(to value: JSONValue) -> Schema? {
        guard let members = value.objectValue else { return forms.first }
        var best: (form: Schema, score: Int)?
        for form in forms {
            let score = form.likeness(to: members)
            if score > best?.score ?? Int.min { best = (form, score) }
        }
        return best?.form
    }

    private func likeness(to members: JSONObject) -> Int {
        var score = 0
        for (name, value) in members {
            guard let property = properties.first(where: { $0.name == name }) else {
                score -= 4
                continue
            }
            score += 2
            // A constant names the form.
            if let allowed = property.schema.allowed { score += allowed.contains(value) ? 16 : -16 }
        }
        return score - required.count { members[$0] == nil }
    }

    private var kindNames: String {
        kinds.map { $0 == .null ? "null" : $0 == .object || $0 == .array || $0 == .integer ? "an \($0.rawValue)" : "a \($0.rawValue)" }
            .joined(separator: " or ")
    }

    private static func list(_ values: [JSONValue]) -> String {
        let texts = values.map { $0.stringValue ?? $0.text }
        return texts.count == 1 ? texts[0] : "one of \(texts.joined(separator: ", "))"
    }

    private static func plain(_ number: Double) -> String { JSONNumber(number)?.literal ?? "a finite number" }
}

extension Schema.Kind {
    func accepts(_ value: JSONValue) -> Bool {
        switch (self, value) {
        case (.object, .object), (.array, .array), (.string, .string), (.number, .number), (.boolean, .bool), (.null, .null): true
        case (.integer, .number(let number)): number.int != nil
        default: false
        }
    }
}
