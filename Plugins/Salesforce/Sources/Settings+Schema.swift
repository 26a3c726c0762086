internal import CRMPluginSDK

extension Settings {
    static let schema: JSONValue = [
        "type": "object", "additionalProperties": false,
        "properties": [
            "external_id_field": apiName(
                "External id field",
                "Of Contact: a text field, External ID and Unique. Without it two writes at once may make two contacts.",
                "External_Id__c"),
            "contacts_without_external_id": [
                "type": "string", "title": "Contacts without an external id", "enum": ["derive_key", "look_up"], "default": "derive_key",
                "description":
                    "derive_key: found by e-mail or phone, else made under a key such as email:ada@example,test, so that two at once become one. look_up: found by e-mail or phone, else made without a key.",
            ],
            "save_despite_duplicate_rules": [
                "type": "boolean", "title": "Save despite duplicate rules that only warn", "default": true,
                "description": "For writes by key, since the key has decided who is who. A rule that blocks always blocks.",
            ],
            "overwrite_opt_out": [
                "type": "boolean", "title": "A consent unticks opt-outs", "default": false,
                "description":
                    "Usually a box that is ticked in Salesforce stays ticked: somebody may have opted out there. A withdrawal is always written.",
            ],
            "missing_last_name": [
                "type": "string", "title": "Last name where there is none", "maxLength": 80, "examples": ["Unknown"],
                "description": "Salesforce makes no contact without one. By default it is made from the e-mail address.",
            ],
            "fields": [
                "type": "object", "title": "Fields of a contact", "additionalProperties": false,
                "description": "Our field, and the field of Contact that takes it.",
                "properties": .object(
                    JSONObject(ContactField.allCases.map { ($0.rawValue, apiName(nil, nil, ContactField.defaults[$0])) })),
            ],
            "properties": [
                "type": "object", "title": "Properties of a contact",
                "description": "Our property, and the field of Contact that takes it. What is not named here is left out with a warning.",
                "additionalProperties": apiName(nil, nil, nil), "examples": [["plan": "Plan__c"]],
            ],
            "event_target": [
                "type": "string", "title": "Events are recorded as", "enum": .array(EventTarget.allCases.map { .string($0.rawValue) }),
                "description":
                    "A custom object keeps everything and records no event twice. A task needs nothing set up. A platform event is a passing message. By default the custom object where the org has it, else a task.",
            ],
            "event_object": apiName("Custom object of events", nil, "CRM_Event__c"),
            "event_fields": [
                "type": "object", "title": "Fields of an event", "additionalProperties": false,
                "description": "Our field, and the field of the custom object or of the platform event that takes it.",
                "properties": .object(
                    JSONObject(EventField.allCases.map { ($0.rawValue, apiName(nil, nil, EventField.defaults[$0])) })),
            ],
            "platform_event": apiName("Platform event", nil, "CRM_Event__e"),
            "task_external_id_field": apiName(
                "External id field of tasks", "A custom field of Activity, External ID and Unique. Only with it is no task made twice.", nil
            ),
            "task_status": ["type": "string", "title": "Status of a task", "maxLength": 40, "default": "Completed"],
            "task_priority": ["type": "string", "title": "Priority of a task", "maxLength": 40, "default": "Normal"],
        ],
    ]

    private static func apiName(_ title: String?, _ description: String?, _ standard: String?) -> JSONValue {
        var members: JSONObject = ["type": "string", "minLength": 1, "maxLength": 80, "x-charset": "A-Za-z0-9_"]
        members.set("title", title)
        members.set("description", description)
        members.set("default", standard)
        return .object(members)
    }
}
