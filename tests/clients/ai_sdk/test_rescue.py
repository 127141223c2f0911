"""A model breaks off in the middle of a chat's answer, and another one answers from the beginning."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.clients.ai_sdk.conftest import opener
from tests.clients.ai_sdk.node import Chat, ChatState, Node, text_of
from tests.conftest import upstreams
from tests.support.service import Service
from tests.support.started_service import warm_up
from tests.support.upstream import Close, Gate, Reasoning, ToolCall, Upstream, anthropic_wire, faults, openai_wire

Open = Callable[..., Chat]

ALIAS = """
[models.{name}]
chain = ["openai/{name}-first", "anthropic/{name}-second"]
on_divergence = "restart"
"""
NAMES = [f"rescued{number}" for number in range(24)]
"""One alias for each test: a circuit breaker that one test opens must not affect the next."""

UNNAMED = [("ai5", {}), ("ai6 page", {}), ("ai7", {}), ("ai5 page", {"ai": 5}), ("ai6 page", {"ai": 6})]
NAMED = [("ai7", {"ai": 7}), ("ai7 page", {"ai": 7})]
CALL = ToolCall("c1", "find", ('{"q": 1}',))


@pytest.fixture(scope="module")
def service(shared_upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    path = tmp_path_factory.mktemp("config") / "headrace.toml"
    path.write_text("".join(ALIAS.format(name=name) for name in NAMES))
    with Service(**upstreams(shared_upstream), HEADRACE_CONFIG=str(path)) as running:
        warm_up(running, shared_upstream)
        yield running


@pytest.fixture(scope="module")
def names() -> Iterator[str]:
    return iter(NAMES)


def open_chat(client: str, body: dict[str, Any], nodes: Callable[[str], Node], service: Service, name: str) -> Chat:
    return opener(client, nodes, service)(f"{name}", body={"tools": [{"name": "find"}], **body}, answers=True)


def broken(*pieces: Any) -> Any:
    """Return an answer that breaks off after the first of its pieces."""
    return faults.after(openai_wire.answer(*pieces, "and the rest"), len(pieces), Close())


def kinds(shown: ChatState) -> list[str]:
    return [part["type"] for part in shown.last["parts"]]


@pytest.mark.parametrize(("client", "body"), NAMED)
class TestVersion7:
    def test_shows_the_answer_of_the_rescuer_alone(
        self, client: str, body: dict[str, Any], nodes: Callable[[str], Node], service: Service, upstream: Upstream,
        names: Iterator[str],
    ) -> None:  # fmt: skip
        name = next(names)
        upstream.answer(f"{name}-first", broken(Reasoning("hm"), "wrong"))
        upstream.answer(f"{name}-second", anthropic_wire.answer("right"))
        shown = open_chat(client, body, nodes, service, name).send()
        assert (shown.status, shown.error) == ("ready", None)
        assert kinds(shown) == ["step-start", "text"]
        assert [part["text"] for part in shown.parts("text")] == ["right"]
        assert shown.metadata["model"] == f"anthropic/{name}-second"

    def test_keeps_the_steps_before_the_one_that_is_rescued(
        self, client: str, body: dict[str, Any], nodes: Callable[[str], Node], service: Service, upstream: Upstream,
        names: Iterator[str],
    ) -> None:  # fmt: skip
        name = next(names)
        upstream.answer(
            f"{name}-first", [openai_wire.answer("Let me see.", CALL, finish="tool_calls"), broken("wrong")]
        )
        upstream.answer(f"{name}-second", anthropic_wire.answer("right"))
        chat = open_chat(client, body, nodes, service, name)
        chat.send()
        chat.do("answer", tool="find", toolCallId="c1", output="deep")
        shown = chat.wait_for(lambda now: now if now.status == "ready" and "right" in now.text else None)
        assert kinds(shown) == ["step-start", "text", "tool-find", "step-start", "text"]
        assert shown.text == "Let me see.right"


@pytest.mark.parametrize(("client", "body"), UNNAMED)
def test_other_versions_get_a_part_that_voids_what_is_before_it(
    client: str, body: dict[str, Any], nodes: Callable[[str], Node], service: Service, upstream: Upstream,
    names: Iterator[str],
) -> None:  # fmt: skip
    name = next(names)
    upstream.answer(f"{name}-first", broken("wrong"))
    upstream.answer(f"{name}-second", anthropic_wire.answer("right"))
    shown = open_chat(client, body, nodes, service, name).send()
    assert (shown.status, shown.error, text_of(shown.last)) == ("ready", None, "right")
    assert "data-restart" in kinds(shown)


@pytest.mark.parametrize(("client", "body"), UNNAMED)
def test_other_versions_keep_the_steps_before_the_one_that_is_rescued(
    client: str, body: dict[str, Any], nodes: Callable[[str], Node], service: Service, upstream: Upstream,
    names: Iterator[str],
) -> None:  # fmt: skip
    name = next(names)
    upstream.answer(f"{name}-first", [openai_wire.answer("Let me see.", CALL, finish="tool_calls"), broken("wrong")])
    upstream.answer(f"{name}-second", [anthropic_wire.answer("right"), anthropic_wire.answer("Yes.")])
    chat = open_chat(client, body, nodes, service, name)
    chat.send()
    chat.do("answer", tool="find", toolCallId="c1", output="deep")
    shown = chat.wait_for(lambda now: now if now.status == "ready" and "right" in now.text else None)
    assert text_of(shown.last) == "Let me see.right"
    assert shown.all.get("page", "hiLet me see.right") == "hiLet me see.right"
    assert chat.send("sure?").text == "Yes."
    sent = str(upstream.requests(f"{name}-second")[-1].body["messages"])
    assert ("Let me see." in sent, "deep" in sent, "right" in sent, "wrong" in sent) == (True, True, True, False)


@pytest.mark.parametrize(("client", "body"), NAMED)
def test_a_rescued_answer_is_replayed_without_what_was_void(
    client: str, body: dict[str, Any], nodes: Callable[[str], Node], service: Service, upstream: Upstream,
    names: Iterator[str],
) -> None:  # fmt: skip
    name = next(names)
    upstream.start_afresh()
    upstream.answer(f"{name}-first", broken("wrong"))
    upstream.answer(f"{name}-second", anthropic_wire.answer("right", Gate(name), " again"))
    first = open_chat(client, {**body, "resumable": True}, nodes, service, name)
    sending = first.begin("send", text="hi")
    first.wait_for(lambda now: now.text == "right")
    first.do("stop")
    sending.wait()
    resuming = first.begin("resume")
    upstream.open_gate(name)
    resuming.wait()
    shown = first.wait_until_idle()
    assert kinds(shown) == ["step-start", "text"]
    assert (len(shown.messages), shown.text) == (2, "right again")
