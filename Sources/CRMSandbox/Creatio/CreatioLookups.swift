/// The rows that every new site has: lookups with the GUIDs of the product where those are known, and a few places.
enum CreatioLookups {
    struct Row {
        let id: CreatioID
        var values: [String: CreatioValue]
    }

    enum ActivityType {
        static let task = CreatioID(known: "fbe0acdc-cfc0-df11-b00f-001d60e938c6")
        static let call = CreatioID(known: "e1831dec-cfc0-df11-b00f-001d60e938c6")
        static let email = CreatioID(known: "e2831dec-cfc0-df11-b00f-001d60e938c6")
    }

    enum ActivityStatus {
        static let notStarted = CreatioID(known: "384d4b84-58e6-df11-971b-001d60e938c6")
        static let inProgress = CreatioID(known: "394d4b84-58e6-df11-971b-001d60e938c6")
        static let completed = CreatioID(known: "4bdbb88f-58e6-df11-971b-001d60e938c6")
        static let canceled = CreatioID(known: "201cfba8-58e6-df11-971b-001d60e938c6")
    }

    enum CommunicationType {
        static let email = CreatioID(known: "ee1c85c3-cfcb-df11-9b2a-001d60e938c6")
        static let mobilePhone = CreatioID(known: "d4a2dc80-30ca-df11-9b2a-001d60e938c6")
        static let workPhone = CreatioID(known: "3dddb3cc-53ee-49c4-a71f-e9e257f59e49")
        static let homePhone = CreatioID(known: "0da6a26b-d7bc-df11-b00f-001d60e938c6")
    }

    static let rows: [(object: String, rows: [Row])] = [
        ("ActivityType", [row(ActivityType.task, "Task"), row(ActivityType.call, "Call"), row(ActivityType.email, "Email")]),
        (
            "ActivityStatus",
            [
                row(ActivityStatus.notStarted, "Not started"), row(ActivityStatus.inProgress, "In progress"),
                row(ActivityStatus.completed, "Completed"), row(ActivityStatus.canceled, "Canceled"),
            ]
        ),
        (
            "ActivityCategory",
            [
                row("f51c4643-58e6-df11-971b-001d60e938c6", "To do", ["ActivityTypeId": .guid(ActivityType.task)]),
                row("03df85bf-6b19-4dea-8463-d5d49b80bb28", "Call", ["ActivityTypeId": .guid(ActivityType.call)]),
                row("8038a396-7825-e011-8165-00155d043204", "Email", ["ActivityTypeId": .guid(ActivityType.email)]),
            ]
        ),
        ("ActivityPriority", [row("ab96fa02-7fe6-df11-971b-001d60e938c6", "Medium")]),
        ("ActivityResult", [row("d3ccfdf6-2ae5-4ad1-8a3c-6ec5a0e0b6c1", "Completed")]),
        ("ContactType", [row("00783ef6-f36b-1410-a883-16d83cab0980", "Customer")]),
        (
            "CommunicationType",
            [
                row(CommunicationType.email, "Email"), row(CommunicationType.mobilePhone, "Mobile phone"),
                row(CommunicationType.workPhone, "Business phone"), row(CommunicationType.homePhone, "Home phone"),
            ]
        ),
        (
            "SysLanguage",
            [
                row("6ebc31fa-ee6c-48e9-81bf-8003ac03b019", "English (United States)", ["Code": .text("en-US")]),
                row("6ebc31fa-ee6c-48e9-81bf-8003ac03b020", "English (United Kingdom)", ["Code": .text("en-GB")]),
                row("6ebc31fa-ee6c-48e9-81bf-8003ac03b021", "Italian (Italy)", ["Code": .text("it-IT")]),
                row("6ebc31fa-ee6c-48e9-81bf-8003ac03b022", "German (Germany)", ["Code": .text("de-DE")]),
            ]
        ),
        ("Country", [row(italy, "Italy"), row(kingdom, "United Kingdom"), row(states, "United States"), row(germany, "Germany")]),
        (
            "Region",
            [
                row(lazio, "Lazio", ["CountryId": .guid(italy)]), row(england, "England", ["CountryId": .guid(kingdom)]),
                row(newYork, "New York", ["CountryId": .guid(states)]), row(berlin, "Berlin", ["CountryId": .guid(germany)]),
            ]
        ),
        (
            "City",
            [
                row("a1c1f000-0000-4000-8000-000000000301", "Rome", ["CountryId": .guid(italy), "RegionId": .guid(lazio)]),
                row("a1c1f000-0000-4000-8000-000000000302", "London", ["CountryId": .guid(kingdom), "RegionId": .guid(england)]),
                row("a1c1f000-0000-4000-8000-000000000303", "New York", ["CountryId": .guid(states), "RegionId": .guid(newYork)]),
                row("a1c1f000-0000-4000-8000-000000000304", "Berlin", ["CountryId": .guid(germany), "RegionId": .guid(berlin)]),
            ]
        ),
        ("Account", [row("a1c1f000-0000-4000-8000-000000000401", "Analytical Engines Ltd", ["CountryId": .guid(kingdom)])]),
    ]

    private static let italy = CreatioID(known: "a1c1f000-0000-4000-8000-000000000101")
    private static let kingdom = CreatioID(known: "a1c1f000-0000-4000-8000-000000000102")
    private static let states = CreatioID(known: "a1c1f000-0000-4000-8000-000000000103")
    private static let germany = CreatioID(known: "a1c1f000-0000-4000-8000-000000000104")
    private static let lazio = CreatioID(known: "a1c1f000-0000-4000-8000-000000000201")
    private static let england = CreatioID(known: "a1c1f000-0000-4000-8000-000000000202")
    private static let newYork = CreatioID(known: "a1c1f000-0000-4000-8000-000000000203")
    private static let berlin = CreatioID(known: "a1c1f000-0000-4000-8000-000000000204")

    private static func row(_ id: CreatioID, _ name: String, _ more: [String: CreatioValue] = [:]) -> Row {
        Row(id: id, values: more.merging(["Name": .text(name)]) { _, new in new })
    }

    private static func row(_ id: String, _ name: String, _ more: [String: CreatioValue] = [:]) -> Row {
        row(CreatioID(known: id), name, more)
    }
}
