import CRMCore

/// A kind of record: its columns and what may be done with it.
struct SalesforceObject {
    let name: String
    let label: String
    /// The first three characters of its records' ids.
    let prefix: String
    let fields: [SalesforceField]
    /// An event is published and gone: there is nothing to read or to change.
    let isEvent: Bool
    /// Rows that an organization has from its beginning.
    let isFixed: Bool

    private let positions: [String: Int]

    init(_ name: String, label: String, prefix: String, isEvent: Bool = false, isFixed: Bool = false, _ own: [SalesforceField]) {
        self.name = name
        self.label = label
        self.prefix = prefix
        self.isEvent = isEvent
        self.isFixed = isFixed
        fields = isEvent ? own + Self.eventFields : Self.firstFields + own + Self.lastFields
        positions = Dictionary(uniqueKeysWithValues: fields.enumerated().map { ($1.name.lowercased(), $0) })
    }

    var isCustom: Bool { name.hasSuffix("__c") || isEvent }
    var isWritable: Bool { !isFixed }

    /// Names of columns are the same in upper and lower case.
    func field(_ name: String) -> SalesforceField? { positions[name.lowercased()].map { fields[$0] } }

    /// The column behind a name such as `Contact__r` or `Account`.
    func reference(through relationship: String) -> SalesforceField? {
        fields.first { $0.relationship?.name.lowercased() == relationship.lowercased() }
    }

    private static let firstFields = [
        SalesforceField(name: "Id", label: "Record ID", kind: .id, length: 18, isCreateable: false, isUpdateable: false),
        SalesforceField(
            name: "IsDeleted", label: "Deleted", kind: .boolean, isCreateable: false, isUpdateable: false, initial: false),
    ]

    private static let lastFields = [
        SalesforceField(name: "CreatedDate", label: "Created Date", kind: .datetime, isCreateable: false, isUpdateable: false),
        SalesforceField(
            name: "CreatedById", label: "Created By ID", kind: .reference(["User"], relationship: "CreatedBy"), length: 18,
            isCreateable: false, isUpdateable: false),
        SalesforceField(name: "LastModifiedDate", label: "Last Modified Date", kind: .datetime, isCreateable: false, isUpdateable: false),
        SalesforceField(name: "SystemModstamp", label: "System Modstamp", kind: .datetime, isCreateable: false, isUpdateable: false),
    ]

    private static let eventFields = [
        SalesforceField(name: "ReplayId", label: "Replay ID", kind: .string, length: 1000, isCreateable: false, isUpdateable: false),
        SalesforceField(name: "EventUuid", label: "Event UUID", kind: .string, length: 36, isCreateable: false, isUpdateable: false),
        SalesforceField(name: "CreatedDate", label: "Created Date", kind: .datetime, isCreateable: false, isUpdateable: false),
    ]
}
