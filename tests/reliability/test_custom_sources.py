"""Custom providers that misbehave, in a real worker: other streams are not disturbed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.host import Host
from tests.support.reader import Answer, ask, asking, send
from tests.support.service import Service

APP = """
import gevent
from flask import Flask
from flask_headrace import Completed, Failed, Headrace, TextDelta, ToolCallCompleted, ToolCallStarted
from flask_headrace import UpstreamError, Usage


class Odd:
    name = "odd"

    def stream(self, request):
        return getattr(self, request.model)()

    def good(self):
        for number in range(20):
            gevent.sleep(0.005)
            yield f"{number} "

    def hangs(self):
        yield "all of it"
        yield [Usage(7, 3), Completed("stop")]
        gevent.sleep(3600)

    def behind(self):
        return ["all of it", [Completed("stop"), Usage(7, 3), TextDelta("late")]]

    def busy(self):
        while True:
            yield []

    def deaf(self):
        yield "one "
        while True:
            try:
                gevent.sleep(3600)
            except gevent.GreenletExit:
                pass

    def half(self):
        yield "one "
        yield [ToolCallStarted(0, "c", "find"), ToolCallCompleted(0, {"q": ["\\ud83d"]})]

    def half_failed(self):
        yield "one "
        yield Failed("mine", "\\ud83d", False)

    def long(self):
        yield [TextDelta("x") for _ in range(30000)]

    def bytes(self):
        yield "one "
        yield b"two"

    def nothing(self):
        return None

    def breaks(self):
        yield from ["Once ", "upon ", "a "]
        raise UpstreamError("The storyteller has left.")

    def tale(self):
        yield from ["Once ", "upon ", "a time ", "there was a king."]

    def rest(self):
        yield from [" time ", "there was a king."]

    def queen(self):
        yield from ["Once ", "there was ", "a queen."]


class Whole(Odd):
    name = pricing_provider = "whole"
    is_embedded = False
    unsupported_features = frozenset()

    def models(self):
        return ["good"]

    def preload(self):
        pass

    def health_check(self):
        pass


app = Flask("host")
app.config.update(
    HEADRACE_EMBEDDED=False, HEADRACE_FIRST_TOKEN_TIMEOUT=1, HEADRACE_STORE="sqlite:///" + __file__ + ".db",
    HEADRACE_CONFIG=__file__ + ".toml",
)
Headrace(app, providers=[Odd(), Whole()])
"""

CONTINUING = """
[models.{model}]
chain = ["odd/breaks", "odd/{model}"]
continues = ["odd/{model}"]
"""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("host")
    chains = [CONTINUING.format(model=model) for model in ("tale", "rest", "queen")]
    (folder / "hosting.py.toml").write_text("".join(chains))
    with Host(folder, APP) as running:
        yield running


@pytest.fixture(autouse=True)
def nothing_is_left_open(host: Service) -> Iterator[None]:
    yield
    host.wait_until(lambda: send(host.url + "/healthz", method="GET").json["streams"] == 0)


GOOD = "".join(f"{number} " for number in range(20))


def beside_others(host: Service, model: str, **fields: bool) -> Answer:
    """Request a misbehaving provider among good ones, and check that the good answers are complete."""
    others = [asking(host.url, "odd/good", resumable=True) for _ in range(4)]
    answer = ask(host.url, model, **fields)
    for other in others:
        with other:
            body = other.until(b"[DONE]")
            assert [f'{{"delta":"{number} "}}'.encode() in body for number in range(20)] == [True] * 20
    return answer


@pytest.mark.parametrize("name", ["odd", "whole"])
def test_one_that_hangs_behind_its_end_has_ended_and_is_accounted_for(host: Service, name: str) -> None:
    answer = ask(host.url, f"{name}/hangs")
    assert (answer.text, answer.is_done) == ("all of it", True)
    host.wait_until(lambda: f'"model":"{name}/hangs"' in host.log())


def test_one_whose_usage_stands_behind_its_end_is_accounted_for_by_it(host: Service) -> None:
    answer = ask(host.url, "odd/behind")
    assert (answer.text, answer.is_done) == ("all of it", True)
    (usage,) = answer.named("usage")
    assert (usage["input_tokens"], usage["output_tokens"], usage["estimated"]) == (7, 3, False)
    host.wait_until(lambda: "odd yields something behind the end of its answer" in host.log())


def test_one_that_never_waits_ends_within_its_limits(host: Service) -> None:
    answer = beside_others(host, "odd/busy")
    assert (answer.status, answer.error["code"]) == (504, "first_token_timeout")


def test_one_that_does_not_stop_is_not_waited_for(host: Service) -> None:
    reading = asking(host.url, "odd/deaf")
    reading.until(b"one ")
    reading.leave()
    host.wait_until(lambda: '"reason":"reader_left"' in host.log())


@pytest.mark.parametrize("model", ["odd/half", "odd/half_failed", "whole/half"])
def test_one_that_gives_half_a_character_fails_alone(host: Service, model: str) -> None:
    answer = beside_others(host, model, resumable=True)
    assert answer.text == "one "
    (error,) = answer.named("error")
    assert error["code"] == "invalid_source"
    assert "gives half a surrogate pair" in host.log().partition(error["message"].rpartition(" ")[2].rstrip("."))[2]


@pytest.mark.parametrize(
    ("model", "says"),
    [("bytes", "odd gives b'two': yield text, or events"), ("nothing", "odd gives None: return a generator")],
)
def test_one_that_gives_something_else_fails_with_a_sentence_in_the_log(host: Service, model: str, says: str) -> None:
    answer = ask(host.url, f"odd/{model}")
    error = answer.error if answer.status == 500 else answer.named("error")[0]
    assert error["code"] == "invalid_source"
    host.wait_until(lambda: says in host.log())


def test_one_that_gives_very_much_at_once_is_read_to_its_end(host: Service) -> None:
    answer = beside_others(host, "odd/long")
    assert (answer.text, answer.is_done) == ("x" * 30000, True)


@pytest.mark.parametrize("model", ["rest", "tale"])
def test_a_continuing_chain_says_each_word_once_whether_its_model_goes_on_or_begins_anew(
    host: Service, model: str
) -> None:
    answer = ask(host.url, model)
    assert (answer.text, answer.is_done) == ("Once upon a time there was a king.", True)
    assert answer.named("restart") == []
    asked = [each["model"] for each in answer.named("usage")[0]["attempts"]]
    assert asked == ["odd/breaks", "odd/rest"] if model == "rest" else ["odd/breaks", "odd/tale", "odd/tale"]


def test_a_continuing_chain_begins_again_where_nobody_can_tell(host: Service) -> None:
    answer = ask(host.url, "queen")
    assert answer.named("restart") == [{"reason": "upstream_failed", "model": "odd/queen"}]
    assert answer.text == "Once upon a Once there was a queen."
    assert ask(host.url, "queen", stream=False).json["text"] == "Once there was a queen."
