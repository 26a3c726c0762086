/// One object (entity set) of a site.
struct CreatioSchema {
    let name: String
    /// In the order in which records list them.
    let columns: [CreatioColumn]
    private let byName: [String: CreatioColumn]
    private let byNavigation: [String: CreatioColumn]

    private static let systemColumns = [
        CreatioColumn(name: "Id", kind: .id), CreatioColumn(name: "CreatedOn", kind: .date, isSystem: true),
        CreatioColumn(name: "CreatedById", kind: .lookup("Contact"), isSystem: true),
        CreatioColumn(name: "ModifiedOn", kind: .date, isSystem: true),
        CreatioColumn(name: "ModifiedById", kind: .lookup("Contact"), isSystem: true),
        CreatioColumn(name: "ProcessListeners", kind: .integer, isSystem: true),
    ]

    init(_ name: String, _ columns: [CreatioColumn]) {
        self.name = name
        self.columns = Self.systemColumns + columns
        byName = Dictionary(self.columns.map { ($0.name, $0) }) { first, _ in first }
        byNavigation = Dictionary(self.columns.compactMap { column in column.navigation.map { ($0, column) } }) { first, _ in first }
    }

    func column(_ name: String) -> CreatioColumn? { byName[name] }

    func column(navigation: String) -> CreatioColumn? { byNavigation[navigation] }
}

extension CreatioSchema {
    /// The objects of a site; a plain one has nothing that an administrator must add.
    static func all(isPlain: Bool) -> [CreatioSchema] {
        var all = [contact(isPlain ? [] : [.text("UsrExternalId"), .text("UsrPlan")]), activity, communication, account, city, region]
        for name in ["Country", "ContactType", "ActivityType", "ActivityStatus", "ActivityPriority", "CommunicationType"] {
            all.append(CreatioSchema(name, lookupColumns))
        }
        all.append(CreatioSchema("ActivityCategory", lookupColumns + [.lookup("ActivityType")]))
        all.append(CreatioSchema("ActivityResult", lookupColumns))
        all.append(CreatioSchema("SysLanguage", lookupColumns + [.text("Code")]))
        if !isPlain { all.append(integrationEvent) }
        return all
    }

    private static let lookupColumns: [CreatioColumn] = [.text("Name", isRequired: true), .text("Description")]

    private static func contact(_ custom: [CreatioColumn]) -> CreatioSchema {
        let texts = [
            "Surname", "GivenName", "MiddleName", "Dear", "JobTitle", "Phone", "MobilePhone", "HomePhone", "Skype", "Email", "Address",
            "Zip", "Notes", "Facebook", "LinkedIn", "Twitter",
        ]
        let flags = [
            "DoNotUseEmail", "DoNotUseCall", "DoNotUseFax", "DoNotUseSms", "DoNotUseMail", "IsEmailConfirmed", "IsNonActualEmail",
            "Confirmed",
        ]
        return CreatioSchema(
            "Contact",
            [.text("Name", isRequired: true)] + texts.map { .text($0) } + flags.map { .bool($0) } + [
                .date("BirthDate"), CreatioColumn(name: "Age", kind: .integer), .lookup("Owner", "Contact"), .lookup("Account"),
                .lookup("Type", "ContactType"), .lookup("City"), .lookup("Region"), .lookup("Country"), .lookup("Language", "SysLanguage"),
            ] + custom)
    }

    private static let activity = CreatioSchema(
        "Activity",
        [
            .text("Title", isRequired: true), .date("StartDate"), .date("DueDate"), .lookup("Type", "ActivityType"),
            .lookup("ActivityCategory"), .lookup("Status", "ActivityStatus"), .lookup("Priority", "ActivityPriority"),
            .lookup("Result", "ActivityResult"), .text("DetailedResult"), .text("Notes"), .lookup("Owner", "Contact"),
            .lookup("Author", "Contact"), .lookup("Contact"), .lookup("Account"), .bool("ShowInScheduler"), .bool("RemindToOwner"),
        ])

    private static let communication = CreatioSchema(
        "ContactCommunication",
        [
            .text("Number", isRequired: true), .text("SearchNumber"), .lookup("CommunicationType"), .lookup("Contact"), .bool("Primary"),
            .bool("NonActual"),
        ])

    private static let account = CreatioSchema(
        "Account",
        [
            .text("Name", isRequired: true), .text("AlternativeName"), .text("Phone"), .text("Web"), .text("Address"), .text("Zip"),
            .lookup("City"), .lookup("Region"), .lookup("Country"), .lookup("Owner", "Contact"),
        ])

    private static let city = CreatioSchema("City", lookupColumns + [.lookup("Country"), .lookup("Region")])
    private static let region = CreatioSchema("Region", lookupColumns + [.lookup("Country")])

    private static let integrationEvent = CreatioSchema(
        "UsrIntegrationEvent",
        [
            .text("UsrEventId"), .text("UsrName"), .date("UsrOccurredOn"), CreatioColumn(name: "UsrValue", kind: .decimal),
            .text("UsrCurrency"), .text("UsrPayload"), .lookup("UsrContact", "Contact"),
        ])
}
