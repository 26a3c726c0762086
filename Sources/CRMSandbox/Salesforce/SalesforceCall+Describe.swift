import CRMCore

extension SalesforceCall {
    var globalDescription: JSONValue {
        let objects = org.objects.values.sorted { $0.name < $1.name }
        return ["encoding": "UTF-8", "maxBatchSize": 200, "sobjects": .array(objects.map { .object(summary(of: $0)) })]
    }

    func basics(of object: SalesforceObject) -> JSONValue {
        ["objectDescribe": .object(summary(of: object)), "recentItems": []]
    }

    /// What the user may not see is not there.
    func description(of object: SalesforceObject) -> JSONValue {
        var members = summary(of: object)
        members["fields"] = .array(object.fields.filter { !org.isHidden($0, of: object) }.map { description(of: $0, in: object) })
        members["childRelationships"] = []
        members["recordTypeInfos"] = []
        return .object(members)
    }

    private func summary(of object: SalesforceObject) -> JSONObject {
        let url = "\(root)/sobjects/\(object.name)"
        let isRecord = !object.isEvent
        return [
            "name": .string(object.name), "label": .string(object.label), "labelPlural": .string(object.label + "s"),
            "keyPrefix": .string(object.prefix), "custom": .bool(object.isCustom), "activateable": false,
            "createable": .bool(object.isWritable), "updateable": .bool(object.isWritable && isRecord),
            "deletable": .bool(object.isWritable && isRecord), "queryable": .bool(isRecord), "retrieveable": .bool(isRecord),
            "searchable": .bool(isRecord), "triggerable": .bool(object.isWritable),
            "urls": [
                "sobject": .string(url), "describe": .string("\(url)/describe"), "rowTemplate": .string("\(url)/{ID}"),
            ],
        ]
    }

    private func description(of field: SalesforceField, in object: SalesforceObject) -> JSONValue {
        var values: [JSONValue] = []
        var isRestricted = false
        if case .picklist(let names, let restricted) = field.kind {
            isRestricted = restricted
            values = names.map {
                ["active": true, "defaultValue": .bool(field.initial == .string($0)), "label": .string($0), "value": .string($0)]
            }
        }
        var scale = 0
        if case .double(let digits) = field.kind { scale = digits }
        let relationship = field.relationship
        return [
            "name": .string(field.name), "label": .string(field.label), "type": .string(field.typeName), "length": .integer(field.length),
            "byteLength": .integer(field.length * 3), "precision": .integer(field.isNumber ? 18 : 0), "scale": .integer(scale),
            "custom": .bool(field.isCustom), "externalId": .bool(field.isExternalID), "unique": .bool(field.isUnique),
            "caseSensitive": .bool(field.isCaseSensitive), "idLookup": .bool(field.isExternalID || field.name == "Id"),
            "createable": .bool(field.isCreateable && object.isWritable),
            "updateable": .bool(field.isUpdateable && object.isWritable && !object.isEvent), "nillable": .bool(!field.isRequired),
            "defaultedOnCreate": .bool(!field.initial.isNull), "filterable": .bool(field.isFilterable),
            "sortable": .bool(field.isFilterable),
            "calculated": false, "autoNumber": .bool(object.name == "CRM_Event__c" && field.name == "Name"),
            "restrictedPicklist": .bool(isRestricted), "picklistValues": .array(values),
            "referenceTo": .array((relationship?.targets ?? []).map(JSONValue.string)),
            "relationshipName": .optional(relationship?.name),
        ]
    }
}
