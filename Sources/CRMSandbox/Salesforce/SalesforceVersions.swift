import CRMCore

/// The versions of the REST API: three releases a year.
enum SalesforceVersions {
    /// Needs nobody to be logged in, and counts against no limit.
    static var list: Answer {
        .json(
            .array(
                (Salesforce.oldestVersion...Salesforce.newestVersion).map { number in
                    [
                        "label": .string(label(number)), "url": .string("/services/data/v\(number).0"), "version": .string("\(number).0"),
                    ]
                }), mediaType: Salesforce.mediaType)
    }

    static func check(_ text: String, newest: Int) throws(SalesforceRefusal) -> Int {
        guard text.hasPrefix("v"), text.hasSuffix(".0"), let number = Int(text.dropFirst().dropLast(2)), text == "v\(number).0",
            (20...newest).contains(number)
        else { throw .notFound }
        guard number >= Salesforce.oldestVersion else {
            throw SalesforceRefusal("UNSUPPORTED_API_VERSION", "API version \(number).0 is retired.", status: 410)
        }
        return number
    }

    /// 31.0 came in summer 2014; the name of a winter release is that of the year that follows.
    private static func label(_ number: Int) -> String {
        let release = number - Salesforce.oldestVersion + 1
        let year = 14 + (release + 1) / 3
        return "\(["Spring", "Summer", "Winter"][release % 3]) '\(year)"
    }
}
