"""An application with tools and scripted models, for the tests of the page: its source, as gunicorn imports it."""

SOURCE = '''
import time
from pathlib import Path

import gevent
from flask import Flask, jsonify, request
from flask_headrace import Completed, Headrace, ToolError, tool
from flask_headrace.providers.chat_request import ToolCall
from flask_headrace.testing import FakeProvider
from flask_headrace.testing.script import Pause, Silence

FOLDER = Path(__file__).parent
NAMES = {"ToolCall": ToolCall, "Pause": Pause, "Silence": Silence, "Completed": Completed}

app = Flask(__name__)
app.secret_key = "not a secret"
provider = FakeProvider()


def run_of(name, **arguments):
    """Count a run, as the tests ask for it."""
    with (FOLDER / "runs").open("a") as file:
        file.write(f"{name} {arguments}\\n")


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
    if order_id == 404:
        raise ToolError("There is no such order of this customer.")
    if order_id == 500:
        raise ZeroDivisionError
    return {"order": order_id, "state": "sent", "arrives": "<b>tomorrow</b>", "weight": 9007199254740993, "price": 1.50}


@tool
def track(parcel: str):
    """Follow a parcel."""
    run_of("track", parcel=parcel)
    yield from ["Asking the carrier"] * 2  # one is held back, since the last value is the result
    wait_for("carrier")
    yield from [{"stops": 3, "weight": 9007199254740993}] * 2
    wait_for("stops")
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
    import msgspec
    return app.response_class(msgspec.json.encode([question.messages for question in provider.questions][-1]))


@app.get("/runs")
def runs():
    """Return which tools have run."""
    file = FOLDER / "runs"
    return jsonify(file.read_text().splitlines() if file.exists() else [])
'''
