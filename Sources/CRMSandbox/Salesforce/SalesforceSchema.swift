import CRMCore

/// The objects of an organization, as far as the sandbox plays them.
enum SalesforceSchema {
    static let standard = [account, contact(isPlain: true), task, user, organization]
    static let extended = [account, contact(isPlain: false), task, user, organization, event, publishedEvent]

    private static let account = SalesforceObject(
        "Account", label: "Account", prefix: "001",
        [
            text("Name", "Account Name", 255, isRequired: true),
            SalesforceField(name: "Phone", label: "Account Phone", kind: .phone, length: 40),
            text("Website", "Website", 255),
            owner,
        ])

    private static func contact(isPlain: Bool) -> SalesforceObject {
        let custom = [
            key("External_Id__c", "External Id", isUnique: true),
            key("Legacy_Id__c", "Legacy Id", isUnique: false),
            text("Plan__c", "Plan", 255),
            text("Locale__c", "Locale", 20),
            SalesforceField(
                name: "Tier__c", label: "Tier", kind: .picklist(["Bronze", "Silver", "Gold"], isRestricted: true), length: 255),
            SalesforceField(name: "Score__c", label: "Score", kind: .double(scale: 2)),
        ]
        return SalesforceObject("Contact", label: "Contact", prefix: "003", isPlain ? person : person + custom)
    }

    private static let person =
        [
            SalesforceField(name: "AccountId", label: "Account ID", kind: .reference(["Account"], relationship: "Account"), length: 18),
            text("LastName", "Last Name", 80, isRequired: true),
            text("FirstName", "First Name", 40),
            SalesforceField(
                name: "Salutation", label: "Salutation",
                kind: .picklist(["Mr.", "Ms.", "Mrs.", "Dr.", "Prof.", "Mx."], isRestricted: false),
                length: 40),
            SalesforceField(name: "Name", label: "Full Name", kind: .string, length: 121, isCreateable: false, isUpdateable: false),
        ] + address("Mailing") + address("Other")
        + [
            ("Phone", "Business Phone"), ("Fax", "Business Fax"), ("MobilePhone", "Mobile Phone"), ("HomePhone", "Home Phone"),
            ("OtherPhone", "Other Phone"), ("AssistantPhone", "Asst. Phone"),
        ].map { SalesforceField(name: $0, label: $1, kind: .phone, length: 40) }
        + [
            SalesforceField(name: "Email", label: "Email", kind: .email, length: 80),
            text("Title", "Title", 128),
            text("Department", "Department", 80),
            SalesforceField(
                name: "LeadSource", label: "Lead Source",
                kind: .picklist(["Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Other"], isRestricted: false), length: 255),
            SalesforceField(name: "Birthdate", label: "Birthdate", kind: .date),
            SalesforceField(name: "Description", label: "Contact Description", kind: .textarea(isLong: true), length: 32_000),
            flag("HasOptedOutOfEmail", "Email Opt Out"),
            flag("DoNotCall", "Do Not Call"),
            owner,
        ]

    private static let task = SalesforceObject(
        "Task", label: "Task", prefix: "00T",
        [
            SalesforceField(name: "WhoId", label: "Name ID", kind: .reference(["Contact"], relationship: "Who"), length: 18),
            SalesforceField(
                name: "WhatId", label: "Related To ID", kind: .reference(["Account", "CRM_Event__c"], relationship: "What"), length: 18),
            text("Subject", "Subject", 255),
            SalesforceField(name: "ActivityDate", label: "Due Date Only", kind: .date),
            SalesforceField(
                name: "Status", label: "Status",
                kind: .picklist(
                    ["Not Started", "In Progress", "Completed", "Waiting on someone else", "Deferred"], isRestricted: false),
                length: 255, initial: "Not Started"),
            SalesforceField(
                name: "Priority", label: "Priority", kind: .picklist(["High", "Normal", "Low"], isRestricted: false), length: 255,
                initial: "Normal"),
            SalesforceField(name: "Description", label: "Description", kind: .textarea(isLong: true), length: 32_000),
            owner,
        ])

    private static let event = SalesforceObject(
        "CRM_Event__c", label: "CRM Event", prefix: "a00",
        [
            SalesforceField(
                name: "Name", label: "CRM Event Number", kind: .string, length: 80, isCreateable: false, isUpdateable: false),
            key("External_Id__c", "External Id", isUnique: true),
        ] + eventValues
            + [
                SalesforceField(
                    name: "Contact__c", label: "Contact", kind: .reference(["Contact"], relationship: "Contact__r"), length: 18)
            ])

    private static let publishedEvent = SalesforceObject(
        "CRM_Event__e", label: "CRM Event", prefix: "e00", isEvent: true,
        [text("External_Id__c", "External Id", 255)] + eventValues + [text("Contact__c", "Contact", 255)])

    private static let eventValues = [
        text("Name__c", "Name", 255),
        SalesforceField(name: "Occurred_At__c", label: "Occurred At", kind: .datetime),
        SalesforceField(name: "Amount__c", label: "Amount", kind: .double(scale: 2)),
        text("Currency__c", "Currency", 3),
        SalesforceField(name: "Payload__c", label: "Payload", kind: .textarea(isLong: true), length: 32_768),
    ]

    private static let user = SalesforceObject(
        "User", label: "User", prefix: "005", isFixed: true,
        [
            text("Username", "Username", 80), text("Name", "Full Name", 121),
            SalesforceField(name: "Email", label: "Email", kind: .email, length: 128),
            flag("IsActive", "Active"),
        ])

    private static let organization = SalesforceObject(
        "Organization", label: "Organization", prefix: "00D", isFixed: true,
        [
            text("Name", "Name", 80), text("OrganizationType", "Edition", 40), text("InstanceName", "Instance Name", 5),
            flag("IsSandbox", "Is Sandbox"), text("LanguageLocaleKey", "Language", 40), text("TimeZoneSidKey", "Time Zone", 40),
        ])

    private static let owner = SalesforceField(
        name: "OwnerId", label: "Owner ID", kind: .reference(["User"], relationship: "Owner"), length: 18)

    private static func text(_ name: String, _ label: String, _ length: Int, isRequired: Bool = false) -> SalesforceField {
        SalesforceField(name: name, label: label, kind: .string, length: length, isRequired: isRequired)
    }

    private static func key(_ name: String, _ label: String, isUnique: Bool) -> SalesforceField {
        SalesforceField(name: name, label: label, kind: .string, length: 255, isExternalID: true, isUnique: isUnique)
    }

    private static func flag(_ name: String, _ label: String) -> SalesforceField {
        SalesforceField(name: name, label: label, kind: .boolean, initial: false)
    }

    private static func address(_ kind: String) -> [SalesforceField] {
        [
            SalesforceField(name: "\(kind)Street", label: "\(kind) Street", kind: .textarea(isLong: false), length: 255),
            text("\(kind)City", "\(kind) City", 40), text("\(kind)State", "\(kind) State/Province", 80),
            text("\(kind)PostalCode", "\(kind) Zip/Postal Code", 20), text("\(kind)Country", "\(kind) Country", 80),
        ]
    }
}
