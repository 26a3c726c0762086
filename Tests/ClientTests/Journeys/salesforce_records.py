"""simple-salesforce with user name, password and token: contacts, events, queries, and what the client makes of refusals."""

import json

from loopback import raises, sandbox, same
from simple_salesforce import Salesforce, SalesforceAuthenticationFailed, SalesforceMalformedRequest, format_external_id, format_soql
from simple_salesforce.exceptions import (
    SalesforceGeneralError,
    SalesforceMoreThanOneRecord,
    SalesforceRefusedRequest,
    SalesforceResourceNotFound,
)

ACCOUNT = "ada@shop.test"


def signing_in():
    wrong = raises(
        SalesforceAuthenticationFailed,
        lambda: Salesforce(username=ACCOUNT, password="guess", security_token="token", version="64.0"),
    )
    same(wrong.code, "INVALID_LOGIN")
    without = raises(
        SalesforceAuthenticationFailed,
        lambda: Salesforce(username=ACCOUNT, password="sandbox", security_token="", version="64.0"),
    )
    same(without.code, "LOGIN_MUST_USE_SECURITY_TOKEN")
    late = raises(
        SalesforceAuthenticationFailed,
        lambda: Salesforce(username=ACCOUNT, password="sandbox", security_token="token", version="68.0"),
    )
    same(late.code, "INVALID_OPERATION")
    client = Salesforce(username=ACCOUNT, password="sandbox", security_token="token", version="64.0")
    same(client.sf_instance, "ada-shop-test.my.salesforce.com")
    return client


def contacts(client):
    names = {field["name"]: field for field in client.Contact.describe()["fields"]}
    same((names["External_Id__c"]["externalId"], names["External_Id__c"]["unique"], names["LastName"]["length"]), (True, True, 80))
    same("Contact" in [each["name"] for each in client.describe()["sobjects"]], True)
    key = format_external_id("External_Id__c", "user/1ü")
    same(client.Contact.upsert(key, {"LastName": "O'Brien", "Email": "grace@example.test", "HasOptedOutOfEmail": False}), 201)
    same(client.Contact.upsert(key, {"FirstName": "Grace", "MailingStreet": "Via Roma 1\nint. 2"}), 200)
    found = client.Contact.get_by_custom_id("External_Id__c", "user/1ü")
    same((found["Name"], found["External_Id__c"], found["MailingStreet"]), ("Grace O'Brien", "user/1ü", "Via Roma 1\nint. 2"))
    same(client.Contact.update(found["Id"], {"Title": "Engineer"}), 204)
    same(client.Contact.get(found["Id"][:15])["Title"], "Engineer")
    made = client.Contact.create({"LastName": "\\%_\"", "Legacy_Id__c": "old"})
    same((made["success"], made["errors"]), (True, []))
    client.Contact.create({"LastName": "Second", "Legacy_Id__c": "old"})
    double = raises(SalesforceMoreThanOneRecord, lambda: client.Contact.upsert("Legacy_Id__c/old", {"FirstName": "x"}))
    same((double.status, len(double.content)), (300, 2))
    same(client.Contact.delete(made["id"]), 204)
    raises(SalesforceResourceNotFound, lambda: client.Contact.get(made["id"]))
    return found["Id"]


def refusals(client):
    cases = [
        ({"FirstName": "Nobody"}, "REQUIRED_FIELD_MISSING"),
        ({"LastName": "x", "Nick": "y"}, "INVALID_FIELD"),
        ({"LastName": "x" * 81}, "STRING_TOO_LONG"),
        ({"LastName": "x", "Email": "at-home"}, "INVALID_EMAIL_ADDRESS"),
        ({"LastName": "x", "External_Id__c": "user/1ü"}, "DUPLICATE_VALUE"),
        ({"LastName": "x", "HasOptedOutOfEmail": "no"}, "JSON_PARSER_ERROR"),
        ({"LastName": "x", "CreatedDate": "2026-11-01T10:00:00Z"}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ({"LastName": "x", "AccountId": "nonsense"}, "MALFORMED_ID"),
    ]
    for body, code in cases:
        error = raises(SalesforceMalformedRequest, lambda: client.Contact.create(body))
        same((code, error.content[0]["errorCode"]), (code, code))
    raises(SalesforceResourceNotFound, lambda: client.Contact.upsert("Email/grace@example.test", {"LastName": "x"}))
    sandbox("POST", "/script", {"crm": "salesforce", "path_prefix": "/services/data", "answers": [
        {"status": 403, "code": "REQUEST_LIMIT_EXCEEDED"}, {"status": 503}]})
    full = raises(SalesforceRefusedRequest, lambda: client.query("SELECT Id FROM Contact"))
    same(full.content[0]["errorCode"], "REQUEST_LIMIT_EXCEEDED")
    same(raises(SalesforceGeneralError, lambda: client.query("SELECT Id FROM Contact")).status, 503)


def queries(client, contact):
    text = format_soql("SELECT Id, Email FROM Contact WHERE LastName = {} AND Email LIKE '{:like}%'", "O'Brien", "grace")
    same([record["Id"] for record in client.query(text)["records"]], [contact])
    malformed = raises(SalesforceMalformedRequest, lambda: client.query("SELECT Id FROM Contact WHERE LastName = 'O'Brien'"))
    same(malformed.content[0]["errorCode"], "MALFORMED_QUERY")
    unknown = raises(SalesforceMalformedRequest, lambda: client.query("SELECT Nick FROM Contact"))
    same(unknown.content[0]["errorCode"], "INVALID_FIELD")
    records = [{"attributes": {"type": "Contact"}, "External_Id__c": f"many-{n}", "LastName": f"Many {n}"} for n in range(200)]
    for part in (records, [dict(each, External_Id__c=each["External_Id__c"] + "b") for each in records[:50]]):
        results = client.restful("composite/sobjects/Contact/External_Id__c", method="PATCH", data=json.dumps({"records": part}))
        same([each["success"] and each["created"] for each in results], [True] * len(part))
    headers = {"Sforce-Query-Options": "batchSize=200"}
    first = client.query("SELECT Id FROM Contact WHERE External_Id__c LIKE 'many-%'", headers=dict(client.headers, **headers))
    same((first["totalSize"], first["done"], len(first["records"])), (250, False, 200))
    second = client.query_more(first["nextRecordsUrl"], identifier_is_url=True)
    same((second["done"], len(second["records"])), (True, 50))
    same(client.query("SELECT COUNT() FROM Contact")["totalSize"], 252)


def events(client, contact):
    values = {"Name__c": "Order Placed", "Occurred_At__c": "2026-11-01T10:00:00Z", "Amount__c": 19.98, "Currency__c": "EUR",
              "Contact__r": {"External_Id__c": "user/1ü"}}
    same(client.CRM_Event__c.upsert("External_Id__c/order-1001", values), 201)
    same(client.CRM_Event__c.upsert("External_Id__c/order-1001", values), 200)
    kept = client.query("SELECT Occurred_At__c, Contact__c, Contact__r.Email FROM CRM_Event__c")["records"][0]
    same((kept["Occurred_At__c"], kept["Contact__c"]), ("2026-11-01T10:00:00.000+0000", contact))
    same(kept["Contact__r"]["Email"], "grace@example.test")
    task = client.Task.create({"WhoId": contact, "Subject": "Order Placed", "Status": "Completed", "ActivityDate": "2026-11-01"})
    same((task["success"], task["id"][:3]), (True, "00T"))
    published = client.CRM_Event__e.create({"Name__c": "Order Placed"})
    same((published["success"], published["errors"][0]["statusCode"]), (True, "OPERATION_ENQUEUED"))


def sessions(client):
    """The client signs in again by itself when its session has ended."""
    before = client.session_id
    sandbox("DELETE", f"/accounts/salesforce/{ACCOUNT}/sessions")
    limits = client.limits()
    same(limits["DailyApiRequests"]["Max"], 100000)
    same(client.session_id == before, False)
    same(client.api_usage["api-usage"].total, 100000)


client = signing_in()
contact = contacts(client)
refusals(client)
queries(client, contact)
events(client, contact)
sessions(client)
print(json.dumps({"instance": client.sf_instance, "contact": contact, "used": client.api_usage["api-usage"].used}))
