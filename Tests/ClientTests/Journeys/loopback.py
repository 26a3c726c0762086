"""Leads the services' built-in names to the TLS port on loopback. Imported before a client is used; no client is changed."""

import json
import os
import socket
import urllib.request

_TLS_PORT = int(os.environ["CRM_TLS_PORT"])
_SANDBOX = os.environ["CRM_SANDBOX"]
_SERVICES = (".salesforce.com", ".creatio.com", "a.klaviyo.com")
_resolve = socket.getaddrinfo


def _lead(host, port, *arguments, **options):
    name = host.decode() if isinstance(host, bytes) else host
    if name in ("127.0.0.1", "localhost"):
        return _resolve(host, port, *arguments, **options)
    if not name.endswith(_SERVICES) or int(port) != 443:
        raise AssertionError(f"a client wants to talk to {name}:{port}")
    return _resolve("127.0.0.1", _TLS_PORT, *arguments, **options)


socket.getaddrinfo = _lead


def sandbox(method, path, body=None):
    """One call of the sandbox's own verbs; the JSON of the answer, if it has one."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(_SANDBOX + path, data=data, method=method, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        text = answer.read()
    return json.loads(text) if text else None


def same(found, wanted):
    """A check that says what it found."""
    if found != wanted:
        raise AssertionError(f"found {found!r}, wanted {wanted!r}")


def raises(kind, action):
    """The exception that the action ends with, which is of this kind."""
    try:
        action()
    except kind as error:
        return error
    raise AssertionError(f"nothing was raised, wanted {kind.__name__}")
