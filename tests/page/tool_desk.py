"""An application with tools and scripted models, for the tests of the page, under a real gunicorn."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.page.screen import ask, last
from tests.support.host import Host

REFUND = ["ToolCall", "r1", "refund", {"order_id": 41, "amount": 19.5}]
REFUNDED = "refund {'order_id': 41, 'amount': 19.5}"
"""What `Desk.runs` has of `REFUND`."""

SOURCE = '''
import json
from pathlib import Path

import gevent
import msgspec
from flask import Flask, jsonify, request
from flask_headrace import (
    Completed,
    Headrace,
    ToolCall,
    ToolCallCompleted,
    ToolCallDelta,
    ToolCallStarted,
    ToolError,
    UpstreamProtocolError,
    tool,
)
from flask_headrace.testing import FakeProvider, Pause, Silence

FOLDER = Path(__file__).parent
NAMES = {
    "ToolCall": ToolCall,
    "ToolCallStarted": ToolCallStarted,
    "ToolCallDelta": ToolCallDelta,
    "ToolCallParsed": lambda index, text: ToolCallCompleted(index, json.loads(text)),
    "Pause": Pause,
    "Silence": Silence,
    "Completed": Completed,
    "Broken": UpstreamProtocolError,
}

app = Flask(__name__)
app.secret_key = "not a secret"
provider = FakeProvider()


def record(line):
    """Add a line for `Desk.runs`."""
    with (FOLDER / "runs").open("a") as file:
        file.write(f"{line}\\n")


def run_of(name, **arguments):
    """Record a run."""
    record(f"{name} {arguments}")


def wait_for(name):
    """Wait until a test opens a gate."""
    while not (FOLDER / f"gate-{name}").exists():
        gevent.sleep(0.01)


@tool
def order_status(order_id: int):
    """Look up where an order is.

    Args:
        order_id: The number on the invoice.
    """
    run_of("order_status", order_id=order_id)
    if order_id == 7:
        return {"state": "sent", "arrives": "2026-12-02"}
    if order_id == 404:
        raise ToolError("There is no such order of this customer.")
    return {"order": order_id, "state": "sent", "arrives": "<b>tomorrow</b>", "weight": 9007199254740993, "price": 1.50}


@tool
def track(parcel: str):
    """Follow a parcel."""
    run_of("track", parcel=parcel)
    try:
        yield "Asking the carrier"
        wait_for("carrier")
        yield {"stops": 3, "weight": 9007199254740993}
        wait_for("stops")
    except BaseException:
        record("track stopped")
        raise
    yield "It is in Lyon."


@tool
def report(lines: int) -> str:
    """Write a long report."""
    return "\\n".join([f"line {number} of the report" for number in range(lines)])


@tool(needs_approval=True)
def refund(order_id: int, amount: float, note: str = "") -> dict:
    """Give money back."""
    run_of("refund", order_id=order_id, amount=amount)
    return {"refunded": amount}


@tool(needs_approval=True)
def mail(to: str, text: str = "") -> str:
    """Send a mail."""
    run_of("mail", to=to)
    return "sent"


headrace = Headrace(app, providers=[provider], tools=[order_status, track, report, refund, mail])


@app.post("/scripts")
def script():
    """Script the next answers."""
    for items in request.get_json():
        provider.answers(*[item if isinstance(item, str) else NAMES[item[0]](*item[1:]) for item in items])
    return "", 204


@app.get("/questions")
def questions():
    """Return the messages of the last question."""
    return app.response_class(msgspec.json.encode(provider.questions[-1].messages))


@app.get("/healthz")
def health():
    return "ok"
'''


class Desk(Host):
    """The application, as a context manager.

    Args:
        folder: A folder for its files.
        settings: Environment variables.
    """

    def __init__(self, folder: Path, **settings: str) -> None:
        self.files = folder
        super().__init__(folder, SOURCE, **{"HEADRACE_MODEL": "fake/fake", **settings})

    def start_afresh(self) -> None:
        """Forget the runs, and close the gates."""
        for file in self.files.glob("gate-*"):
            file.unlink()
        (self.files / "runs").unlink(missing_ok=True)

    def script(self, *answers: list[Any]) -> None:
        """Script the next answers of the model: texts, and lists of a name in NAMES and its arguments."""
        body = json.dumps(answers).encode()
        request = urllib.request.Request(self.url + "/scripts", body, {"Content-Type": "application/json"})
        urllib.request.urlopen(request, timeout=10).close()

    def messages(self) -> list[dict[str, Any]]:
        """Return the messages of the last question to the model, without fields that have their defaults."""
        with urllib.request.urlopen(self.url + "/questions", timeout=10) as response:
            return list(json.load(response))

    def runs(self) -> list[str]:
        """Return the runs of tools."""
        file = self.files / "runs"
        return file.read_text().splitlines() if file.exists() else []

    def open_gate(self, name: str) -> None:
        """Let a tool go on that waits for this."""
        (self.files / f"gate-{name}").touch()

    def wait_for(self, condition: Callable[[], object]) -> None:
        """Wait until a condition is true."""
        self.wait_until(condition)


def status(page: Any, name: str) -> Any:
    return page.locator(".run").filter(has=page.locator("code b", has_text=name)).last.locator(".status")


def button(page: Any, name: str) -> Any:
    return page.get_by_role("button", name=name)


def ask_for_refund(page: Any, desk: Desk, *after: list[Any]) -> None:
    desk.script(["I can.", REFUND], *after)
    ask(page, "My money back?")
    last(page, "undecided").wait_for()
