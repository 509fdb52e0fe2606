"""Fixtures for tests in `brickyard exec`: the workspace's clock, faults on order, and requests as a user."""

import json
import os
import urllib.request

import pytest


def _call(method, path, body=None):
    if "BRICKYARD_URL" not in os.environ:
        pytest.skip("this test needs the local workspace: run it with `brickyard exec -- pytest`")
    request = urllib.request.Request(
        os.environ["BRICKYARD_URL"] + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": "Bearer " + os.environ["BRICKYARD_TOKEN"], "Content-Type": "application/json"},
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=60) as answer:
        return json.load(answer)


class Clock:
    """The time as the workspace sees it: tokens, credentials and auto-stop follow it."""

    def __init__(self):
        self._begun = self.offset

    @property
    def offset(self):
        """Seconds ahead of the machine's clock."""
        return _call("GET", "/api/brickyard/clock")["offset_seconds"]

    @property
    def now(self):
        """The time, RFC 3339."""
        return _call("GET", "/api/brickyard/clock")["now"]

    def advance(self, seconds=0, *, minutes=0, hours=0, days=0):
        """Moves the clock; negative moves it back."""
        seconds += minutes * 60 + hours * 3600 + days * 86400
        _call("POST", "/api/brickyard/clock", {"advance_seconds": int(seconds)})

    def reset(self):
        """Puts the clock back to where the test found it."""
        self.advance(self._begun - self.offset)


@pytest.fixture
def brickyard_clock():
    """The workspace's clock, put back after the test."""
    clock = Clock()
    yield clock
    clock.reset()


@pytest.fixture
def brickyard_fault():
    """Orders a fault: `brickyard_fault("/api/2.0/sql", status=503, count=1)`; taken back after the test."""
    before = _call("GET", "/api/brickyard/faults")["faults"]

    def order(path, **fault):
        _call("POST", "/api/brickyard/faults", {"path": path, **fault})

    yield order
    _call("DELETE", "/api/brickyard/faults")
    for fault in before:
        _call("POST", "/api/brickyard/faults", fault)


@pytest.fixture
def as_user():
    """Headers of a request that a user sends through the app's front door: `client.get("/", headers=as_user(EMAIL))`."""

    def headers(user):
        body = {"user": user, "app": os.environ["BRICKYARD_APP"]}
        return _call("POST", "/api/brickyard/user-tokens", body)["headers"]

    return headers
