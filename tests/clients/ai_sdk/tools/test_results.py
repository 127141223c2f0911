"""Results, errors and progress of tools that run here, with chats of each version."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest

from tests.clients.ai_sdk.tools.stage import (
    CLIENTS,
    FIND,
    ONE_OF_EACH,
    STEPS,
    Open,
    asked,
    call_of,
    calling,
    has_output,
    kinds,
    model,
    release,
    runs,
    told,
)
from tests.support.host import Host
from tests.support.reader import send
from tests.support.upstream import ToolCall, Upstream, openai_wire


class TestResult:
    @pytest.mark.parametrize("client", CLIENTS)
    def test_is_shown_and_the_answer_goes_on_in_a_step_of_its_own(
        self, client: str, open_chat: Open, upstream: Upstream
    ) -> None:
        name = f"tools-result-{client.replace(' ', '-')}"
        chat = open_chat(client, model(upstream, name, calling(FIND), openai_wire.answer("Deep."), "never"))
        shown = chat.send()
        assert (shown.status, shown.error, kinds(shown)) == ("ready", None, STEPS)
        assert shown.text == "Let me see.Deep."
        call = call_of(shown, "tool-find")
        assert (call["state"], call["input"], call["output"]) == ("output-available", {"place": "mill"}, {"depth": 3})
        assert shown.all["ends"][-1]["finishReason"] == "stop"
        # The SDK, told to send complete conversations itself, has not sent it again.
        assert len(upstream.requests(name)) == 2
        assert told(upstream, name) == ['{"depth":3}']

    @pytest.mark.parametrize("client", ONE_OF_EACH)
    def test_goes_back_to_the_model_with_the_next_message(
        self, client: str, open_chat: Open, upstream: Upstream
    ) -> None:
        name = f"tools-again-{client}"
        answers = [calling(FIND), openai_wire.answer("Deep."), openai_wire.answer("Yes.")]
        chat = open_chat(client, model(upstream, name, *answers))
        chat.send()
        assert chat.send("sure?").text == "Yes."
        assert [message["role"] for message in asked(upstream, name)] == [
            "user", "assistant", "tool", "assistant", "user",
        ]  # fmt: skip

    @pytest.mark.parametrize("client", ONE_OF_EACH)
    def test_that_is_an_error_is_shown(self, client: str, open_chat: Open, upstream: Upstream) -> None:
        name = f"tools-error-{client}"
        call = ToolCall("c1", "fail", ('{"place": "mill"}',))
        shown = open_chat(client, model(upstream, name, calling(call), openai_wire.answer("Sorry."))).send()
        assert (shown.error, shown.text) == (None, "Let me see.Sorry.")
        call = call_of(shown, "tool-fail")
        assert (call["state"], call["errorText"]) == ("output-error", "There is no mill.")

    @pytest.mark.parametrize("client", ONE_OF_EACH)
    def test_of_an_answer_with_too_many_steps_is_not_sent_again(
        self, client: str, open_chat: Open, upstream: Upstream
    ) -> None:
        name = f"tools-endless-{client}"
        calls = [calling(ToolCall(f"c{number}", "find", ('{"place": "x"}',))) for number in range(4)]
        chat = open_chat(client, model(upstream, name, *calls), body={"max_steps": 2})
        shown = chat.send()
        assert (shown.status, shown.error) == ("ready", None)
        assert [part["state"] for part in shown.parts("tool-find")] == ["output-available"] * 2 + ["output-error"]
        assert len(upstream.requests(name)) == 3


class TestProgress:
    @pytest.mark.parametrize("client", CLIENTS)
    def test_is_a_preliminary_output(self, client: str, open_chat: Open, upstream: Upstream, service: Host) -> None:
        name = f"tools-progress-{client.replace(' ', '-')}"
        call = ToolCall("c1", "climb", (json.dumps({"top": name}),))
        chat = open_chat(client, model(upstream, name, calling(call), openai_wire.answer("Up.")))
        sending = chat.begin("send", text="hi")
        on_the_way = chat.wait_for(lambda now: now if has_output(now, "tool-climb") else None)
        part = call_of(on_the_way, "tool-climb")
        assert (part["state"], part["output"], part["preliminary"]) == ("output-available", {"height": 1}, True)
        release(service, name)
        sending.wait()
        shown = chat.wait_until_idle()
        part = call_of(shown, "tool-climb")
        assert (part["state"], part["output"], part.get("preliminary")) == ("output-available", {"height": 2}, None)
        assert (shown.text, len(upstream.requests(name))) == ("Let me see.Up.", 2)

    @pytest.mark.parametrize("client", ONE_OF_EACH)
    @pytest.mark.parametrize("resumable", [False, True])
    def test_is_no_result_after_a_stop(
        self, client: str, resumable: bool, open_chat: Open, upstream: Upstream, service: Host
    ) -> None:
        name = f"tools-stopped-{client}-{resumable}"
        call = ToolCall("c1", "climb", (json.dumps({"top": name}),))
        chat = open_chat(
            client, model(upstream, name, calling(call), openai_wire.answer("Well.")), body={"resumable": resumable}
        )
        sending = chat.begin("send", text="hi")
        chat.wait_for(lambda now: has_output(now, "tool-climb"))
        if resumable:
            assert send(f"{service.url}/ai/chat/{quote(chat.id, safe='')}/stop").status == 204
        else:
            chat.do("stop")
        sending.wait()
        service.wait_until(lambda: ["climb", name] in runs(service))
        shown = chat.wait_until_idle()
        assert (shown.status, shown.error) == ("ready", None)
        assert len(upstream.requests(name)) == 1
        assert chat.send("go on").text == "Well."
        why = "The answer was stopped." if resumable else "The call was not answered: the tool did not run to its end."
        assert told(upstream, name) == [why]
