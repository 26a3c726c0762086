"""simple-salesforce with client credentials, at the organization's own host name."""

import json

from loopback import raises, same
from simple_salesforce import Salesforce, SalesforceAuthenticationFailed


def client(domain="ada-shop-test.my", secret="sandbox"):
    return Salesforce(consumer_key="sandbox_ada@shop.test", consumer_secret=secret, domain=domain, version="68.0")


same(raises(SalesforceAuthenticationFailed, lambda: client(secret="guess")).code, "invalid_client")
same(raises(SalesforceAuthenticationFailed, lambda: client(domain="another.my")).code, "invalid_client_id")
salesforce = client()
same(salesforce.Contact.upsert("External_Id__c/user-1", {"LastName": "Lovelace"}), 201)
same(salesforce.query("SELECT Id FROM Contact")["totalSize"], 1)
user = salesforce.oauth2("userinfo")
same((user["preferred_username"], len(user["organization_id"])), ("ada@shop.test", 18))
print(json.dumps({"instance": salesforce.sf_instance}))
