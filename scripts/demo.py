#!/usr/bin/env python3
"""The main job on real input: signs a merchant in, connects every CRM in service, sends orders, and compares what arrived.

Standard library only. Ends with 0 when everything that was accepted arrived and exactly the broken lines were rejected.
"""

import argparse
import concurrent.futures
import datetime
import http.client
import json
import secrets
import sys
import threading
import time
import urllib.parse

CONNECTIONS = 8
PATIENCE = 120  # seconds: for a call to be taken, and for the last delivery to arrive

# How the sandbox's accounts sign in. A CRM in service that is not here is left alone.
SANDBOX_CREDENTIALS = {
    "klaviyo": lambda email: {"api_key": "pk_sandbox_" + email},
    "salesforce": lambda email: {"username": email, "password": "sandbox", "security_token": "token"},
    "creatio": lambda email: {"instance_url": "https://demo.creatio.com", "username": email, "password": "sandbox"},
}


class Stop(Exception):
    """The demo cannot go on; the text says why."""


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.retry_after = headers.get("Retry-After")
        self.text = body.decode("utf-8", "replace")
        try:
            self.json = json.loads(self.text)
        except ValueError:
            self.json = {}

    def problem(self):
        """Code, place and reason of every mistake in a problem+json answer."""
        errors = self.json.get("errors") or [{}]
        code = self.json.get("code", "no code")
        return [(code, each.get("pointer", ""), each.get("detail") or self.json.get("detail") or self.text[:200]) for each in errors]


class Service:
    """One HTTP server; every thread keeps a connection of its own open."""

    def __init__(self, origin):
        self.origin = origin
        self.address = urllib.parse.urlsplit(origin)
        self.local = threading.local()

    def call(self, method, path, body=None, headers=None):
        """Sends until there is an answer other than "later": every call here may be repeated, those that create carry a key."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                answer = self.send(method, path, body, headers)
                if answer.status not in (429, 503):
                    return answer
                wait, why = float(answer.retry_after or 1), f"{answer.status} {answer.text[:300]}"
            except (OSError, http.client.HTTPException) as error:
                wait, why = 0.5, str(error)
            if time.monotonic() + wait > end:
                raise Stop(f"{method} {self.origin}{path} was not answered within {PATIENCE} s: {why}")
            time.sleep(wait)

    def send(self, method, path, body, headers):
        connection = getattr(self.local, "connection", None)
        if connection is None:
            connection = http.client.HTTPConnection(self.address.hostname, self.address.port, timeout=30)
            self.local.connection = connection
        headers = {**(headers or {}), **({"Content-Type": "application/json"} if body is not None else {})}
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        except (OSError, http.client.HTTPException):
            connection.close()
            self.local.connection = None
            raise


class Merchant:
    def __init__(self, api, email, token):
        self.api = api
        self.email = email
        self.authorization = {"Authorization": "Bearer " + token}

    def get(self, path):
        answer = self.api.call("GET", path, headers=self.authorization)
        if answer.status != 200:
            raise Stop(f"GET {path} answered {answer.status}: {answer.text[:300]}")
        return answer.json

    def post(self, path, body, key=None):
        headers = {**self.authorization, **({"Idempotency-Key": key} if key else {})}
        return self.api.call("POST", path, body if isinstance(body, bytes) else json.dumps(body).encode(), headers)


class Progress:
    """A line that counts, on a terminal only."""

    def __init__(self, what, total):
        self.what, self.total, self.shown = what, total, sys.stdout.isatty()

    def show(self, count):
        if self.shown:
            print(f"\r\033[K  {self.what} {count} of {self.total}", end="", flush=True)

    def end(self):
        if self.shown:
            print("\r\033[K", end="", flush=True)


def sign_in(api, sandbox, email):
    answer = sandbox.call("POST", "/google/token", json.dumps({"email": email}).encode())
    if answer.status != 200:
        raise Stop(f"the sandbox issued no token: {answer.status} {answer.text[:300]}")
    merchant = Merchant(api, email, answer.json["id_token"])
    answer = merchant.post("/auth/bootstrap", {"display_name": "Demo", "company_name": "Atelier Nord"}, key="demo-bootstrap")
    if answer.status not in (200, 201):
        raise Stop(f"POST /auth/bootstrap answered {answer.status}: {answer.text[:300]}")
    return merchant


def connect(merchant):
    """Connects every CRM in service that the sandbox plays; returns their types."""
    offered = [provider["crm_type"] for provider in merchant.get("/crm/providers")["data"]]
    connected = []
    for crm_type in offered:
        if crm_type not in SANDBOX_CREDENTIALS:
            print(f"  {crm_type} is in service; the demo knows no sandbox account of it and leaves it alone")
            continue
        body = {"crm_type": crm_type, "credentials": SANDBOX_CREDENTIALS[crm_type](merchant.email)}
        answer = merchant.post("/crm/validate", body)
        if answer.status != 200 or answer.json.get("valid") is not True:
            raise Stop(f"{crm_type} did not accept the sandbox's credentials: {answer.status} {answer.text[:300]}")
        answer = merchant.post("/crm/connect", body, key=f"demo-connect-{crm_type}")
        if answer.status not in (200, 201):
            raise Stop(f"POST /crm/connect for {crm_type} answered {answer.status}: {answer.text[:300]}")
        connected.append(crm_type)
    if not connected:
        raise Stop(f"no CRM to connect; in service: {', '.join(offered) or 'none'}")
    return connected


def send_orders(merchant, lines):
    """Each line is one call; the answers in the order of the lines."""
    progress, done = Progress("sent", len(lines)), 0

    def send(numbered):
        number, line = numbered
        return merchant.post("/crm/events", line, key=f"demo-line-{number}")

    with concurrent.futures.ThreadPoolExecutor(CONNECTIONS) as pool:
        pending = [pool.submit(send, numbered) for numbered in enumerate(lines, start=1)]
        for _ in concurrent.futures.as_completed(pending):
            done += 1
            progress.show(done)
    progress.end()
    return [each.result() for each in pending]


def wait_until_settled(merchant, crm_types, deliveries):
    """Until no delivery is pending any more; returns how many are still pending when patience ends."""
    progress, end = Progress("settled", deliveries), time.monotonic() + PATIENCE
    while True:
        states = [merchant.get(f"/crm/{crm_type}/status") for crm_type in crm_types]
        pending = sum(state["pending"] for state in states)
        progress.show(max(0, deliveries - pending))
        if pending == 0 or time.monotonic() > end:
            progress.end()
            return {state["crm_type"]: state for state in states if state["pending"]}
        time.sleep(0.2)


def dead_events(merchant, crm_type):
    logs = merchant.get(f"/crm/sync-logs?crm_type={crm_type}&operation=event&outcome=dead&limit=200")
    return [(log.get("code", ""), log.get("detail", "")) for log in logs["data"]]


def report(merchant, crm_types, lines, answers, arrivals, seconds):
    """Prints the table; returns what does not match."""
    complaints = []
    rejected = [(number, answer) for number, answer in enumerate(answers, start=1) if answer.status != 202]
    print(f"\n  {'crm':<12}{'sent':>7}{'accepted':>10}{'rejected':>10}{'arrived':>9}{'dead':>6}{'contacts':>10}{'time':>9}")
    for crm_type in crm_types:
        entries = [entry for answer in answers if answer.status == 202 for entry in answer.json["deliveries"] if entry["crm_type"] == crm_type]
        accepted = sum("delivery_id" in entry for entry in entries)
        arrived = arrivals.get(crm_type, {}).get(merchant.email, {})
        dead = dead_events(merchant, crm_type)
        print(f"  {crm_type:<12}{len(lines):>7}{accepted:>10}{len(rejected):>10}{arrived.get('events', 0):>9}{len(dead):>6}"
              f"{arrived.get('contacts', 0):>10}{seconds:>7.1f} s")
        for code, detail in dead:
            print(f"    dead: {code} {detail}")
        if accepted == 0:
            complaints.append(f"{crm_type}: nothing was accepted")
        if arrived.get("events", 0) + len(dead) != accepted:
            complaints.append(f"{crm_type}: {accepted} events were accepted, but {arrived.get('events', 0)} arrived and {len(dead)} died")
        complaints += [f"{crm_type}: an entry was refused: {entry['error']}" for entry in entries if "error" in entry]
    for kind in ("events", "contacts"):
        counts = {crm_type: arrivals.get(crm_type, {}).get(merchant.email, {}).get(kind, 0) for crm_type in crm_types}
        if len(set(counts.values())) > 1:
            complaints.append(f"the CRMs hold different numbers of {kind}: {counts}")
    print("\n  rejected, as it should be:" if rejected else "\n  nothing was rejected")
    for number, answer in rejected:
        for code, pointer, detail in answer.problem():
            print(f"    line {number:<4} {answer.status} {code:<18} {pointer} {detail}")
    # Lines that must be rejected say so in their unique_id.
    for number, (line, answer) in enumerate(zip(lines, answers), start=1):
        broken = json.loads(line).get("unique_id", "").startswith("broken-")
        if broken != (answer.status in (400, 422)):
            complaints.append(f"line {number} was answered {answer.status}, although it {'is broken' if broken else 'is in order'}: {answer.text[:200]}")
    return complaints


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--api", required=True)
    parser.add_argument("--sandbox", required=True)
    parser.add_argument("orders")
    options = parser.parse_args()
    with open(options.orders, "rb") as file:
        lines = file.read().splitlines()

    # A merchant of its own for each run: the same orders again would be duplicates for the last one's.
    email = f"demo-{datetime.datetime.now(datetime.timezone.utc):%Y%m%dt%H%M%S}-{secrets.token_hex(2)}@example.test"
    api, sandbox = Service(options.api), Service(options.sandbox)
    try:
        merchant = sign_in(api, sandbox, email)
        print(f"  merchant {email} signed in")
        crm_types = connect(merchant)
        print(f"  connected: {', '.join(crm_types)}")
        start = time.monotonic()
        answers = send_orders(merchant, lines)
        taken = time.monotonic() - start
        deliveries = sum(len(answer.json.get("deliveries", [])) for answer in answers)
        stuck = wait_until_settled(merchant, crm_types, deliveries)
        seconds = time.monotonic() - start
        print(f"  {len(lines)} orders sent in {taken:.1f} s over {CONNECTIONS} connections, {'not ' if stuck else ''}all settled after {seconds:.1f} s")
        arrivals = sandbox.call("GET", "/journal/summary").json
        complaints = report(merchant, crm_types, lines, answers, arrivals, seconds)
    except Stop as stop:
        sys.exit(f"error: {stop}\n       The logs are in .dev/log/; ./dev status shows what runs.")
    for crm_type, state in stuck.items():
        waiting = f" because of {state['waiting']}" if state.get("waiting") else ""
        complaints.append(f"{crm_type}: {state['pending']} deliveries still wait after {PATIENCE} s{waiting}")
    for complaint in complaints[:20]:
        print(f"error: {complaint}", file=sys.stderr)
    if complaints:
        sys.exit(f"       The sync log and .dev/log/host.log say more. Merchant: {email}")
    print(f"\n  sync log of this run:\n    curl -H \"Authorization: Bearer $(./dev token {email})\" '{options.api}/crm/sync-logs?limit=20'")


main()
