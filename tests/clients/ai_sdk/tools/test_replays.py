"""Answers with tools that run here, replayed to pages that are loaded again, and rescued in a later step."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.clients.ai_sdk.node import text_of, valid_parts
from tests.clients.ai_sdk.tools.stage import (
    APPROVING,
    CLIENTS,
    FIND,
    RESCUED,
    STEPS,
    Open,
    call_of,
    calling,
    has_output,
    model,
    release,
    runs,
    told,
    waiting,
)
from tests.support.host import Host
from tests.support.upstream import Close, Gate, ToolCall, Upstream, anthropic_wire, faults, openai_wire


class TestReplay:
    @pytest.mark.parametrize("client", CLIENTS)
    def test_has_all_steps_and_results_and_no_progress(
        self, client: str, open_chat: Open, upstream: Upstream, service: Host
    ) -> None:
        name = f"tools-replay-{client.replace(' ', '-')}"
        climb = ToolCall("c2", "climb", (json.dumps({"top": name}),))
        slow = openai_wire.answer("one", Gate(name), " two")
        first = open_chat(client, model(upstream, name, calling(FIND, climb), slow), body={"resumable": True})
        sending = first.begin("send", text="hi")
        first.wait_for(lambda now: has_output(now, "tool-climb"))
        second = open_chat(client, f"openai/{name}", id_=first.id, messages=first.state().messages[:1])
        resuming = second.begin("resume")
        on_the_way = second.wait_for(lambda now: now if has_output(now, "tool-find") else None)
        assert call_of(on_the_way, "tool-climb")["state"] == "input-available"
        release(service, name)
        second.wait_for(lambda now: now.text.endswith("one"))
        upstream.open_gate(name)
        sending.wait()
        resuming.wait()
        shown = second.wait_until_idle()
        kept = valid_parts(shown.last)
        assert [part["type"] for part in kept] == [*STEPS[:3], "tool-climb", *STEPS[3:]]
        assert text_of(shown.last) == "Let me see.one two"
        assert [part["output"] for part in kept if part["type"].startswith("tool-")] == [{"depth": 3}, {"height": 2}]
        assert runs(service).count(["climb", name]) == 1

    @pytest.mark.parametrize(("client", "body"), APPROVING)
    def test_of_an_answer_to_an_approval_shows_the_call_again(
        self, client: str, body: dict[str, Any], open_chat: Open, upstream: Upstream, service: Host
    ) -> None:
        name = f"tools-continued-{client.replace(' ', '-')}"
        call = ToolCall("c1", "slow_refund", (json.dumps({"order": name}),))
        answers = [openai_wire.answer("one", Gate(name), " two"), openai_wire.answer("Yes.")]
        options = {"body": {**body, "resumable": True}, "call": call}
        first = waiting(open_chat, upstream, client, name, *answers, **options)
        part = call_of(first.state(), "tool-slow_refund")
        first.do("approve", id=part["approval"]["id"], approved=True)
        first.wait_for(lambda now: has_output(now, "tool-slow_refund"))
        # A page keeps its messages as they were when it sent them.
        kept = first.state().messages
        kept[-1]["parts"] = [
            {**each, "state": "approval-responded"} if each["type"].startswith("tool-") else each
            for each in kept[-1]["parts"]
            if each["type"] != "step-start" or each is kept[-1]["parts"][0]
        ]
        for each in kept[-1]["parts"]:
            each.pop("output", None)
            each.pop("preliminary", None)
        second = open_chat(client, f"openai/{name}", id_=first.id, messages=kept, body={**body, "resumable": True})
        resuming = second.begin("resume")
        second.wait_for(lambda now: len(now.messages) == 3)
        release(service, name)
        second.wait_for(lambda now: now.text.endswith("one"))
        upstream.open_gate(name)
        resuming.wait()
        shown = second.wait_until_idle()
        assert (shown.error, text_of(shown.last)) == (None, "one two")
        (again,) = [part for part in valid_parts(shown.last) if part["type"] == "tool-slow_refund"]
        assert (again["state"], again["output"]) == ("output-available", "refunded")
        assert runs(service).count(["slow", name]) == 1
        assert second.send("sure?").text == "Yes."
        assert told(upstream, name) == ["refunded"]


class TestRestart:
    @pytest.mark.parametrize("client", CLIENTS)
    def test_in_the_second_step_keeps_the_first(
        self, client: str, open_chat: Open, upstream: Upstream, service: Host
    ) -> None:
        name = RESCUED[list(CLIENTS).index(client)]
        before = len(runs(service))
        broken = faults.after(openai_wire.answer("wrong", "and the rest"), 1, Close())
        upstream.start_afresh()
        upstream.answer(f"{name}-first", [calling(FIND), broken])
        upstream.answer(f"{name}-second", [anthropic_wire.answer("right"), anthropic_wire.answer("Yes.")])
        chat = open_chat(client, name)
        shown = chat.send()
        assert (shown.status, shown.error) == ("ready", None)
        voided = [] if client.startswith("ai7") else ["step-start"]
        assert [part["type"] for part in valid_parts(shown.last)] == [*STEPS[:3], *voided, *STEPS[3:]]
        assert text_of(shown.last) == "Let me see.right"
        assert len(runs(service)) - before == 1
        assert chat.send("sure?").text == "Yes."
        sent = str(upstream.requests(f"{name}-second")[-1].body["messages"])
        assert ("depth" in sent, "right" in sent, "wrong" in sent) == (True, True, False)
