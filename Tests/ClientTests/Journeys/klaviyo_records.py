"""klaviyo-api: the account, profiles, events, bulk jobs, consent, and what the client makes of refusals."""

import json

from klaviyo_api import KlaviyoAPI
from loopback import raises, sandbox, same
from openapi_client.exceptions import ApiException

ACCOUNT = "ada@shop.test"


def plain(answer):
    """The client answers with its own models or with dictionaries, by the call."""
    return answer if isinstance(answer, dict) else answer.to_dict()


def profile(values, **more):
    return {"data": {"type": "profile", "attributes": values, **more}}


def event(unique_id, **more):
    return {"data": {"type": "event", "attributes": {
        "properties": {"sku": "A1"}, "unique_id": unique_id, "metric": {"data": {"type": "metric", "attributes": {"name": "Placed Order"}}},
        "profile": profile({"email": "grace@example.test"}), **more}}}


def refusal(action):
    error = raises(ApiException, action)
    return error.status, json.loads(error.body)["errors"][0]


def profiles(client):
    same(plain(client.Accounts.get_accounts())["data"][0]["type"], "account")
    values = {"email": "grace@example.test", "phone_number": "+390612345678", "first_name": "Grace", "external_id": "user-1",
              "location": {"city": "Rome"}, "properties": {"plan": "pro"}}
    made = plain(client.Profiles.create_or_update_profile(profile(values)))["data"]
    again = plain(client.Profiles.create_or_update_profile(profile({"email": "grace@example.test", "title": "Admiral"})))["data"]
    same(made["id"], again["id"])
    found = plain(client.Profiles.get_profiles(filter='equals(email,"grace@example.test")', page_size=1))["data"]
    same([(each["id"], each["attributes"]["title"], each["attributes"]["properties"]["plan"]) for each in found],
         [(made["id"], "Admiral", "pro")])
    same(plain(client.Profiles.get_profile(made["id"]))["data"]["attributes"]["external_id"], "user-1")
    client.Profiles.update_profile(made["id"], profile({"last_name": "Hopper"}, id=made["id"]))
    return made["id"]


def events(client):
    client.Events.create_event(event("order-1001", value=19.98, value_currency="EUR", time="2026-11-01T10:00:00+00:00"))
    client.Events.create_event(event("order-1001"))
    client.Events.bulk_create_events({"data": {"type": "event-bulk-create-job", "attributes": {"events-bulk-create": {"data": [{
        "type": "event-bulk-create", "attributes": {
            "profile": profile({"email": "alan@example.test"}),
            "events": {"data": [{"type": "event", "attributes": {
                "properties": {}, "unique_id": f"bulk-{n}", "metric": {"data": {"type": "metric", "attributes": {"name": "Viewed"}}}}}
                for n in range(2)]}}}]}}}})


def bulk_import(client):
    rows = [{"type": "profile", "attributes": {"email": "mary@example.test"}}, {"type": "profile", "attributes": {"phone_number": "12"}}]
    job = plain(client.Profiles.bulk_import_profiles(
        {"data": {"type": "profile-bulk-import-job", "attributes": {"profiles": {"data": rows}}}}))["data"]
    sandbox("POST", "/clock", {"advance_ms": 60000})
    done = plain(client.Profiles.get_bulk_import_profiles_job(job["id"]))["data"]["attributes"]
    same((done["status"], done["completed_count"], done["failed_count"]), ("complete", 1, 1))
    errors = plain(client.Profiles.get_errors_for_bulk_import_profiles_job(job["id"]))["data"]
    same([each["attributes"]["code"] for each in errors], ["invalid"])


def consent(client):
    client.Profiles.bulk_subscribe_profiles({"data": {"type": "profile-subscription-bulk-create-job", "attributes": {"profiles": {"data": [
        {"type": "profile", "attributes": {"email": "grace@example.test",
                                           "subscriptions": {"email": {"marketing": {"consent": "SUBSCRIBED"}}}}}]}}}})
    found = plain(client.Profiles.get_profiles(
        filter='equals(email,"grace@example.test")', additional_fields_profile=["subscriptions"]))["data"][0]
    same(found["attributes"]["subscriptions"]["email"]["marketing"]["consent"], "SUBSCRIBED")


def refusals(client, profile_id):
    status, error = refusal(lambda: client.Profiles.create_profile(profile({"email": "grace@example.test"})))
    same((status, error["code"], error["meta"]["duplicate_profile_id"]), (409, "duplicate_profile", profile_id))
    status, error = refusal(lambda: client.Profiles.create_or_update_profile(profile({"email": "at-home"})))
    same((status, error["source"]["pointer"]), (400, "/data/attributes/email"))
    same(refusal(lambda: client.Profiles.get_profile("01NOBODY"))[0], 404)
    stranger = KlaviyoAPI("pk_live_stranger", max_delay=1, max_retries=0)
    same(refusal(stranger.Accounts.get_accounts)[1]["code"], "authentication_failed")
    narrow = KlaviyoAPI(f"pk_sandbox_noscope_{ACCOUNT}", max_delay=1, max_retries=0)
    same(refusal(narrow.Accounts.get_accounts)[0], 403)
    sandbox("POST", "/script", {"crm": "klaviyo", "answers": [429]})
    same(refusal(client.Accounts.get_accounts)[1]["code"], "throttled")


def patience():
    """Told to, the client tries again after what it takes for passing."""
    sandbox("POST", "/script", {"crm": "klaviyo", "path_prefix": "/api/accounts", "answers": [503, {"status": 429, "retry_after": 1}, 200]})
    client = KlaviyoAPI(f"pk_sandbox_{ACCOUNT}", max_delay=5, max_retries=4)
    same(len(plain(client.Accounts.get_accounts())["data"]), 1)


client = KlaviyoAPI(f"pk_sandbox_{ACCOUNT}", max_delay=1, max_retries=0)
identifier = profiles(client)
events(client)
bulk_import(client)
consent(client)
refusals(client, identifier)
patience()
print(json.dumps({"profile": identifier}))
