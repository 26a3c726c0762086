import CRMCore
import CRMCrypto

/// One organization with one user, whose name is the account's e-mail address.
final class SalesforceOrg {
    let email: String
    let id: SalesforceID
    let userID: SalesforceID
    /// The organization's own host name below `my.salesforce.com`, made of the address.
    let domain: String
    var host: String { "\(domain).my.salesforce.com" }
    /// By their names in lower case.
    let objects: [String: SalesforceObject]

    var tables: [String: SalesforceTable] = [:]
    var published = 0
    var settings = SalesforceSettings()
    /// Set when a script ends the sessions in the middle of a request.
    var losesSessions = false
    var usage = SalesforceUsage()
    var doors = SalesforceLock()
    /// Query results that were not fetched to their end, oldest first.
    var cursors: [(id: String, records: [JSONValue], size: Int)] = []

    init(email: String, at now: Timestamp) {
        self.email = email
        // The same organization for the same address on every start.
        let serial = SHA256.hash(Array("salesforce:\(email)".utf8)).prefix(6).reduce(0) { $0 << 8 | Int($1) }
        id = SalesforceID(prefix: "00D", serial: serial)
        userID = SalesforceID(prefix: "005", serial: serial)
        domain = String(email.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" })
        let schema = email.hasPrefix("plain") ? SalesforceSchema.standard : SalesforceSchema.extended
        objects = Dictionary(uniqueKeysWithValues: schema.map { ($0.name.lowercased(), $0) })
        for object in schema where !object.isEvent { tables[object.name] = SalesforceTable(object) }
        addFixedRows(at: now)
    }

    var counts: JSONObject {
        let kept = ["CRM_Event__c", "Task"].reduce(0) { $0 + (tables[$1]?.count ?? 0) }
        return ["contacts": .integer(tables["Contact"]?.count ?? 0), "events": .integer(kept + published)]
    }

    func object(_ name: String) -> SalesforceObject? { objects[name.lowercased()] }

    func row(_ id: SalesforceID, of object: String) -> SalesforceTable.Row? { tables[object]?.rows[id] }

    func isHidden(_ field: SalesforceField, of object: SalesforceObject) -> Bool {
        settings.hiddenFields.contains("\(object.name).\(field.name)".lowercased())
    }

    private func addFixedRows(at now: Timestamp) {
        let stamp = JSONValue.string(SalesforceTime.text(now))
        let common: SalesforceTable.Row = [
            "IsDeleted": false, "CreatedDate": stamp, "LastModifiedDate": stamp, "SystemModstamp": stamp,
            "CreatedById": .string(userID.text),
        ]
        let user: SalesforceTable.Row = [
            "Id": .string(userID.text), "Username": .string(email), "Name": "Integration User", "Email": .string(email), "IsActive": true,
        ]
        let organization: SalesforceTable.Row = [
            "Id": .string(id.text), "Name": .string(domain), "OrganizationType": "Enterprise Edition", "InstanceName": "SBX1",
            "IsSandbox": false, "LanguageLocaleKey": "en_US", "TimeZoneSidKey": "Europe/Rome",
        ]
        tables["User"]?.insert(user.merging(common) { $1 }, userID)
        tables["Organization"]?.insert(organization.merging(common) { $1 }, id)
    }
}
