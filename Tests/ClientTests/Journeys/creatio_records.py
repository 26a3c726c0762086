"""sl-creatio-connector: sign-in, contacts, events and refusals on both platforms, and what the client does that Creatio refuses."""

import json

from loopback import raises, sandbox, same
from requests.exceptions import JSONDecodeError
from sl_creatio_connector.constants import ODATA_version
from sl_creatio_connector.creatio import Creatio

FRAMEWORK = "ada@shop.test"
CORE = "core.ada@shop.test"
EMAIL_TYPE = "ee1c85c3-cfcb-df11-9b2a-001d60e938c6"
CONTACT = "6f1c0b0e-5f0b-5a53-9a53-0c5bd7a1f001"
NOBODY = "00000000-1111-4222-8333-444444444444"


def connect(account, version, password="sandbox"):
    return Creatio("https://acme.creatio.com", account, password, version)


def signing_in():
    refused = raises(Exception, lambda: connect(FRAMEWORK, ODATA_version.v4, password="guess"))
    same("password is wrong" in str(refused), True)
    client = connect(FRAMEWORK, ODATA_version.v4)
    same(sorted(client.cookies.keys()), [".ASPXAUTH", "BPMCSRF", "BPMLOADER", "UserName"])
    same(client.get_object_collection("Contact", ["top=1&$select=Id"]), [])
    return client


def contacts(client):
    values = {"Id": CONTACT, "Name": "Grace O'Brien", "GivenName": "Grace", "Email": "grace@example.test", "UsrExternalId": "user-1",
              "DoNotUseEmail": True}
    made = client.create_object("Contact", values)
    same((made["Id"], made["Email"], made["JobTitle"], made["AccountId"]),
         (CONTACT, "grace@example.test", "", "00000000-0000-0000-0000-000000000000"))
    again = client.create_object("Contact", values)
    same("duplicate key" in again["error"]["message"], True)
    same(client.get_contact_by_id(CONTACT)["Name"], "Grace O'Brien")
    found = client.get_object_collection("Contact", ["filter=Name eq 'Grace O''Brien'&$select=Id,Email&$orderby=CreatedOn asc&$top=2"])
    same(found, [{"Id": CONTACT, "Email": "grace@example.test"}])
    same(client.get_creatio_contact_id(EMAIL_TYPE, "grace@example.test"), CONTACT)
    same(raises(IndexError, lambda: client.get_creatio_contact_id(EMAIL_TYPE, "nobody@example.test")) is None, False)
    other = client.create_object("Contact", {"Name": "Second"})
    same(client.delete_object("Contact", other["Id"]).status_code, 204)
    same(client.delete_object("Contact", other["Id"]).status_code, 404)


def events(client):
    kinds = {row["Name"]: row["Id"] for row in client.get_object_collection("ActivityType")}
    activity = client.create_object("Activity", {
        "Title": "Order Placed", "TypeId": kinds["Task"], "ContactId": CONTACT, "StartDate": "2026-11-01T10:00:00Z"})
    same((activity["TypeId"], activity["DueDate"]), (kinds["Task"], "0001-01-01T00:00:00Z"))
    event = client.create_object("UsrIntegrationEvent", {
        "UsrEventId": "order-1001", "UsrName": "Order Placed", "UsrValue": 19.98, "UsrContactId": CONTACT,
        "UsrOccurredOn": "2026-11-01T10:00:00+02:00"})
    same((event["UsrValue"], event["UsrOccurredOn"]), (19.98, "2026-11-01T08:00:00Z"))
    linked = client.get_object_collection("Activity", [f"filter=Contact/Id eq {CONTACT}&$expand=Contact($select=Email)&$select=Title"])
    same(linked, [{"Title": "Order Placed", "Contact": {"Email": "grace@example.test"}}])


def refusals(client):
    same(client.get_contact_by_id(NOBODY)["error"]["message"], "There is no record with this key.")
    for values, part in [
        ({"Email": "x@example.test"}, '"Name" must be filled'),
        ({"Name": "x", "Nick": "y"}, "'Nick' does not exist"),
        ({"Name": "x", "DoNotUseEmail": "no"}, "'DoNotUseEmail'"),
        ({"Name": "x", "AccountId": "nonsense"}, "'AccountId'"),
    ]:
        message = client.create_object("Contact", values)["error"]["message"]
        same((values, part in message), (values, True))
    # Its own objects are on no other site: the miss comes under 200, and the client takes it for a record.
    missed = client.post_receipt("board-1")
    same("No type was found" in missed["MessageDetail"], True)
    # A navigation path in a body does nothing.
    same(client.create_object("Activity", {"Title": "x", "Contact/Id": CONTACT})["ContactId"], "00000000-0000-0000-0000-000000000000")
    # A flat name in a filter, a quoted GUID, and the client's way of joining two parameters are all refused.
    for parameters in [[f"filter=ContactId eq {CONTACT}"], [f"filter=Contact/Id eq '{CONTACT}'"], ["top=1", "select=Title"]]:
        same(raises(KeyError, lambda: client.get_object_collection("Activity", parameters)).args, ("value",))
    # The other platform's prefix leads nowhere, and OData 3 is not played.
    raises(JSONDecodeError, lambda: connect(FRAMEWORK, ODATA_version.v4core).delete_object("Contact", CONTACT).json())
    raises(json.JSONDecodeError, lambda: connect(FRAMEWORK, ODATA_version.v3).get_contact_by_id(CONTACT))


def sessions(client):
    """The client does not sign in again by itself."""
    sandbox("DELETE", f"/accounts/creatio/{FRAMEWORK}/sessions")
    same(client.delete_object("Contact", CONTACT).status_code, 401)
    sandbox("POST", "/script", {"crm": "creatio", "answers": ["real", {"status": 200, "code": "login_page"}]})
    client = connect(FRAMEWORK, ODATA_version.v4)
    raises(json.JSONDecodeError, lambda: client.get_contact_by_id(CONTACT))
    same(client.get_contact_by_id(CONTACT)["Id"], CONTACT)


def core():
    client = connect(CORE, ODATA_version.v4core)
    same("UserType" in client.cookies.keys(), True)
    made = client.create_object("Contact", {"Name": "Grace", "Email": "grace@example.test"})
    same(client.get_object_collection("Contact", ["filter=Email eq 'GRACE@example.test'"]), [])
    same(client.get_contact_by_id(made["Id"])["Name"], "Grace")
    same(client.delete_object("Nothing", made["Id"]).status_code, 404)
    return made["Id"]


client = signing_in()
contacts(client)
events(client)
refusals(client)
sessions(client)
print(json.dumps({"core": core()}))
