"""Agents written with asyncio, as the sources of streams: with gevent's patches, and without them."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reliability.servers import ServedApplication
from tests.support.reader import Answer, Reading, send
from tests.support.service import Service

SERVED = ("gunicorn -c gunicorn.conf.py", "gunicorn -k gthread", "flask run")
APPLICATION = Path(__file__).with_name("application.py").read_text()


@pytest.fixture(scope="module", params=SERVED)
def host(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    server = ServedApplication(
        tmp_path_factory.mktemp("agents"),
        request.param,
        code=APPLICATION,
        HEADRACE_MODEL="openai/none",
        OPENAI_API_KEY="-",
    )
    with server:
        server.wait_until_up()
        yield server


@pytest.fixture(autouse=True)
def nothing_is_left_open(host: Service) -> Iterator[None]:
    yield
    host.wait_until(lambda: send(host.url + "/healthz", method="GET").json["streams"] == 0)


def ask_agent(host: Service, name: str) -> Answer:
    return send(f"{host.url}/agents/{name}")


def asking_agent(host: Service, name: str) -> Reading:
    return Reading(f"{host.url}/agents/{name}")


def happened(host: Service) -> list[str]:
    return send(host.url + "/happened", method="GET").json


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("opened", "opened later"),
        ("plainly_iterable", "one two"),
        ("in_context", "hosted hosted hosted False"),
        ("in_threads", "together hosted False True raised"),
        ("in_greenlets", "hosted False hosted False True"),
        ("resolves", "127.0.0.1"),
        ("asks_by_httpx", "the word"),
        ("asks_by_aiohttp", "the word"),
        ("asks_by_anyio", "the word"),
    ],
)
def test_an_agent_is_streamed(host: Service, name: str, text: str) -> None:
    answer = ask_agent(host, name)
    assert (answer.text, answer.is_done) == (text, True)


def test_an_async_iterable_is_closed_and_the_application_context_torn_down(host: Service) -> None:
    ask_agent(host, "plainly_iterable")
    ask_agent(host, "in_context")
    host.wait_until(lambda: {"closed by its close", "torn down: in_context"} <= {*happened(host)})


def test_several_agents_stream_at_the_same_time(host: Service) -> None:
    with contextlib.ExitStack() as open_:
        agents = [open_.enter_context(asking_agent(host, "meets")) for _ in range(3)]
        bodies = [agent.until(b"[DONE]") for agent in agents]
    assert [b"waits" in body and b"met" in body for body in bodies] == [True] * 3


def test_an_agent_whose_reader_leaves_is_cancelled_and_cleans_up(host: Service) -> None:
    before = happened(host)
    with asking_agent(host, "lasting") as reading:
        reading.until(b"begins")
    host.wait_until(lambda: happened(host)[len(before) :] == ["cancelled", "cleaned up"])


def test_a_coroutine_whose_reader_leaves_is_cancelled(host: Service) -> None:
    with asking_agent(host, "never_opened"):
        host.wait_until(lambda: send(host.url + "/healthz", method="GET").json["streams"] == 1)


def test_a_head_request_starts_no_agent(host: Service) -> None:
    before = happened(host)
    for name in ("lasting", "never_opened"):
        assert send(f"{host.url}/agents/{name}", method="HEAD").body == b""
    assert happened(host) == before


def test_an_agent_that_ignores_its_cancellation_is_closed_at_its_next_item(host: Service) -> None:
    with asking_agent(host, "deaf") as reading:
        reading.until(b"one")
    host.wait_until(lambda: "ignored" in happened(host))


def test_an_agent_that_never_waits_is_closed_as_well(host: Service) -> None:
    with asking_agent(host, "endless") as reading:
        reading.until(b"x")
        assert ask_agent(host, "opened").is_done
    host.wait_until(lambda: "closed" in happened(host))


def test_an_agent_that_blocks_does_not_block_other_streams(host: Service) -> None:
    with asking_agent(host, "blocks") as reading:
        reading.until(b"blocks")
        before = happened(host).count("blocked")
        beside = send(host.url + "/sync")
        assert (beside.is_done, happened(host).count("blocked")) == (True, before)
        reading.until(b"[DONE]")


@pytest.mark.parametrize(
    ("name", "logged"),
    [
        ("raises", "ZeroDivisionError: the agent's own mistake"),
        ("exits", "SystemExit: 3"),
        ("cancels_itself", "asyncio.exceptions.CancelledError"),
    ],
)
def test_an_exception_of_an_agent_fails_its_stream_and_no_other(host: Service, name: str, logged: str) -> None:
    with asking_agent(host, "endless") as other:
        other.until(b"x")
        answer = ask_agent(host, name)
        assert (answer.text, answer.is_done) == ("one ", False)
        [error] = answer.named("error")
        reference = re.search(r"[0-9a-f]{8}", error["message"])
        assert reference is not None
        assert reference[0] in host.log()
        assert logged in host.log()
        other.until(b"x")


@pytest.mark.parametrize(
    ("name", "logged"),
    [("gives_bytes", "gives b'one': yield text"), ("misopened", "is a coroutine that returns ['no', 'agent']")],
)
def test_what_is_no_agent_or_no_item_is_named_in_the_log(host: Service, name: str, logged: str) -> None:
    assert ask_agent(host, name).status == 500
    host.wait_until(lambda: logged in host.log())


def test_no_coroutine_is_left_unawaited_and_no_task_is_lost(host: Service) -> None:
    host.wait_until(lambda: "never awaited" not in host.log())
    assert "was destroyed" not in host.log()
