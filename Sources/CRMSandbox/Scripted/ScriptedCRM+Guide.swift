extension ScriptedCRM {
    /// The format of a file of `--script`, for the terminal.
    static let guide = #"""
        A file for --script is one JSON object. Every object in it may have a member "about" for a remark.

        {
          "crm": "hubspot",
          "key": {"header": "Authorization", "value": "Bearer hs_{account}"},
          "collections": {"contacts": {"kind": "contact", "ignore_case": true, "email": "{record/email}"}},
          "error": {"body": {"category": "{code}", "message": "{message}"}, "codes": {"429": "RATE_LIMITS"}},
          "routes": [
            {"method": "POST", "path": "/contacts", "required": ["/email"],
             "store": {"collection": "contacts", "action": "create", "key": "{body/email}"},
             "answer": {"status": 201, "body": {"id": "{record.id}"}},
             "exists": {"status": 409, "body": {"message": "It is there: {record.id}"}}},
            {"method": "POST", "path": "/contacts/batch", "each": "/inputs",
             "store": {"collection": "contacts", "action": "upsert", "key": "{item/email}"},
             "item": {"id": "{record.id}"}, "failure": {"category": "{code}", "who": "{item/email}"},
             "answer": {"body": {"results": "{items}"}},
             "partial": {"status": 207, "body": {"results": "{items}", "errors": "{failures}"}}}
          ]
        }

        THE FILE
          crm          name in small letters, digits and _; first step of its paths, and its name in scripts and the journal
          hosts        host names (api.hubapi.com, *.example.com) under which it stands at the root as well
          key          header and value that callers send. {account} in the value is 1 to 200 characters without spaces and
                       braces: the account. Anything else is 401. Without "key" everybody is the account "sandbox"
          headers      what every request must have: the value itself, prefix*, or * for any. Otherwise 400
          collections  name -> kind (contact or event: counted as that), id (template, usually {counter}), ignore_case (of
                       keys), and for the journal email, metric, unique_id (templates)
          error        body (template with {status}, {code}, {message}) and codes (status -> the CRM's own code)
          routes       the first that fits answers. No such path is 404, no such method 405

        A ROUTE
          method, path       {name} as a whole step of the path is a parameter
          headers, required  headers as above; JSON pointers ("/email") at which the body must have something. Otherwise 400
          store              collection; action; key and/or id: which record (the id is tried first); value: what is kept
                             (the body, or the item, unless given)
                               create  refused when the key is taken      find, delete, update  missing when there is none
                               upsert  creates or updates                 list  where (JSON pointer into the record -> value)
                             upsert and update merge objects; a list has "limit" as well
          answer             status (200), headers, body. "created", "missing", "exists" stand in its place for these
                             outcomes; without them a missing record is 404 and a taken key 409
          each               JSON pointer to the items of a bulk request: "store" is done for each. "item" is what one comes
                             to, "failure" what a failed one comes to, "partial" the answer when some failed
          item               with a list: what one record comes to

        TEMPLATES
          Any text may have places in braces; {{ and }} are braces. A text that is one place keeps the type of what stands
          there. A place at which nothing stands is null.
            {body} {item} {record}, also with a JSON pointer: {body/properties/email}
            {path.NAME} {query.NAME} {header.NAME} {record.id} {record.key} {record.created} {record.updated}
            {records} and {count} of a list (all that match); {items}, {failures} and {count} (of {items}) of a bulk request
            {account} {now} {now_ms} {counter} (never the same twice); {status} {code} {message} of an error or a failed item

        To make it fail: POST /script with {"crm": "hubspot", "answers": [500, {"status": 429, "retry_after": 3}, "real"]};
        GET /script of a running sandbox tells the rest.
        """#
}
