"""Flask-Limiter, whose 429 has the form of the protocol, and Flask-Caching, which stores no stream."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.middleware.mounted_host import MountedHost
from tests.support.reader import QUESTION
from tests.support.upstream import Gate, Hang, Upstream, openai_wire

CODE = """
import logging

from flask_caching import Cache
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

logging.basicConfig()


def client():
    return request.headers.get("X-Client", "anybody")


def mount_with_limits(name, **options):
    application = mount(name, **options)
    limiter = Limiter(client, app=application, headers_enabled=True, storage_uri="memory://", **LIMITS[name])
    if name == "everything":
        limiter.exempt(application.blueprints["headrace_ops"])
    for blueprint in LIMITED.get(name, ()):
        limiter.limit("2 per hour")(application.blueprints[blueprint])

    @application.post("/own")
    @limiter.limit("2 per hour")
    def own():
        fields = request.get_json()
        return application.headrace.stream(fields.pop("messages"), **fields)

    @application.post("/successes")
    @limiter.limit("1 per hour", deduct_when=lambda response: response.status_code == 200)
    def successes():
        return application.headrace.stream(request.json["messages"], model=request.json["model"])


LIMITS = {"everything": {"default_limits": ["2 per hour"]}, "some": {}, "late": {}}
LIMITED = {"some": ["headrace_chat", "headrace_openai"]}
mount_with_limits("everything")
mount_with_limits("some")
mount_with_limits("late", hold_request=False)


def mount_with_cache(name, debug=False, **options):
    application = mount(name, **options)
    application.debug = debug
    application.config.update(CACHE_TYPE="SimpleCache" if name != "files" else "FileSystemCache", CACHE_DIR="cache")
    cache = Cache(application)
    good = lambda response: response.status_code == 200 and not response.is_streamed
    for path, arguments in (("/cached", {}), ("/filtered", {"response_filter": good})):
        def view(model):
            fields = request.args.to_dict()
            stream = fields.get("stream") != "no"
            question = [{"role": "user", "content": "hi"}]
            return application.headrace.stream(question, model=f"openai/{model}", stream=stream)

        decorated = cache.cached(timeout=60, query_string=True, **arguments)(view)
        application.add_url_rule(path + "/<model>", path[1:], decorated, methods=["GET"])


mount_with_cache("memory")
mount_with_cache("files")
mount_with_cache("late_memory", hold_request=False)
mount_with_cache("debug", debug=True)
"""


@pytest.fixture(scope="module")
def host(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MountedHost]:
    with MountedHost(tmp_path_factory.mktemp("limits"), CODE, upstream) as running:
        yield running


def as_client(name: str) -> dict[str, str]:
    return {"Content-Type": "application/json", "X-Client": name}


class TestFlaskLimiter:
    @pytest.mark.parametrize(
        ("path", "form"),
        [
            ("/api/chat", lambda error: error["code"]),
            ("/v1/chat/completions", lambda error: error["type"]),
            ("/v1/responses", lambda error: error["type"]),
            ("/v1/messages", lambda error: error["type"]),
        ],
    )
    def test_answers_429_in_the_form_of_the_protocol(
        self, host: MountedHost, upstream: Upstream, path: str, form
    ) -> None:
        upstream.answer("limited", openai_wire.answer("one ", "two"))
        body = {"model": "openai/limited", "messages": QUESTION, "input": "hi", "max_tokens": 9}
        body = {key: value for key, value in body.items() if path == "/v1/responses" or key != "input"}
        if path == "/v1/responses":
            del body["messages"], body["max_tokens"]
        answers = [host.send("everything", path, body, headers=as_client(path)) for _ in range(3)]
        assert [answer.status for answer in answers] == [200, 200, 429], answers
        assert [answer.headers["x-ratelimit-remaining"] for answer in answers] == ["1", "0", "0"]
        refused = answers[-1]
        assert refused.headers["content-type"] == "application/json"
        assert form(refused.error) in {"rate_limited", "rate_limit_error", "rate_limit_exceeded", "limit_reached"}
        assert int(refused.headers["retry-after"]) > 3000
        assert "2 per 1 hour" in refused.error["message"]

    def test_counts_no_file_of_the_page(self, host: MountedHost) -> None:
        headers = as_client("page")
        for _ in range(4):
            script = host.send("everything", "/headrace-static/chat/main.js", method="GET", headers=headers)
            assert script.status == 200
        assert host.send("everything", "/", method="GET", headers=headers).status == 200

    def test_exempts_health_checks_with_a_line(self, host: MountedHost) -> None:
        for _ in range(4):
            assert host.send("everything", "/healthz", method="GET", headers=as_client("probe")).status == 200

    def test_limits_single_blueprints_of_ours(self, host: MountedHost, upstream: Upstream) -> None:
        upstream.answer("limited", openai_wire.answer("one ", "two"))
        statuses = [host.send("some", "/api/chat", question("limited"), headers=as_client("x")).status for _ in "123"]
        assert statuses == [200, 200, 429]
        for _ in range(4):
            assert host.send("some", "/healthz", method="GET", headers=as_client("x")).status == 200
            assert host.send("some", "/ai/text", {"prompt": "hi"}, headers=as_client("x")).status != 429

    @pytest.mark.parametrize("name", ["some", "late"])
    def test_limits_views_of_the_application(self, host: MountedHost, upstream: Upstream, name: str) -> None:
        upstream.answer("own", openai_wire.answer("one ", Gate(f"own {name}"), "two"))
        headers = as_client(f"own {name}")
        for _ in range(2):
            with host.sending(name, "/own", question("own"), headers=headers) as reading:
                response = reading.response()
                assert response.headers["X-RateLimit-Limit"] == "2"
                reading.until(b"one ")
                upstream.open_gate(f"own {name}")
                reading.until(b"[DONE]")
        refused = host.send(name, "/own", question("own"), headers=headers)
        assert (refused.status, refused.headers["content-type"]) == (429, "text/html; charset=utf-8")

    def test_passes_the_models_own_429_on(self, host: MountedHost, upstream: Upstream) -> None:
        upstream.answer("busy", openai_wire.error(429, retry_after=7000))
        refused = host.send("some", "/own", question("busy"), headers=as_client("busy"))
        assert (refused.status, refused.error["code"]) == (429, "rate_limited")
        assert "openai refused the request" in refused.error["message"]
        assert int(refused.headers["retry-after"]) > 3500

    def test_can_count_successes_alone(self, host: MountedHost, upstream: Upstream) -> None:
        upstream.answer("busy", openai_wire.error(429))
        upstream.answer("fine", openai_wire.answer("one"))
        asked = [
            host.send("some", "/successes", question(model), headers=as_client("paying"))
            for model in ("busy", "busy", "fine", "fine")
        ]
        assert [answer.status for answer in asked] == [429, 429, 200, 429]
        assert b"1 per 1 hour" in asked[-1].body

    def test_leaves_a_reader_who_leaves_alone(self, host: MountedHost, upstream: Upstream) -> None:
        upstream.answer("left", openai_wire.answer("one ", Hang()))
        with host.sending("some", "/own", question("left"), headers=as_client("left")) as reading:
            reading.until(b"one ")
        upstream.closed("left")


def question(model: str) -> dict[str, object]:
    return {"model": f"openai/{model}", "messages": QUESTION}


class TestFlaskCaching:
    @pytest.mark.parametrize("name", ["memory", "files", "late_memory"])
    @pytest.mark.parametrize("view", ["cached", "filtered"])
    def test_stores_no_stream(self, host: MountedHost, upstream: Upstream, name: str, view: str) -> None:
        model = f"{name}{view}"
        upstream.answer(model, openai_wire.answer("one ", Gate(model), "two"))
        before = len(host.log())
        for number in range(2):
            with host.sending(name, f"/{view}/{model}", method="GET") as reading:
                reading.until(b"one ")
                upstream.open_gate(model)
                reading.until(b"[DONE]")
            assert len(upstream.requests(model)) == number + 1
        log = host.log()[before:]
        if view == "cached":
            assert "TypeError: A streamed answer cannot be stored" in log
        else:
            assert "Traceback" not in log

    @pytest.mark.parametrize("name", ["memory", "files"])
    def test_stores_a_whole_answer(self, host: MountedHost, upstream: Upstream, name: str) -> None:
        model = f"whole{name}"
        upstream.answer(model, openai_wire.answer("all of it"))
        answers = [host.send(name, f"/filtered/{model}?stream=no", method="GET") for _ in range(3)]
        assert [(answer.status, answer.json["text"]) for answer in answers] == [(200, "all of it")] * 3
        assert len(upstream.requests(model)) == 1

    def test_stores_no_refusal_where_the_filter_says_so(self, host: MountedHost, upstream: Upstream) -> None:
        upstream.answer("nope", openai_wire.error(429))
        assert host.send("memory", "/filtered/nope", method="GET").status == 429
        upstream.answer("nope", openai_wire.answer("fine"))
        assert host.send("memory", "/filtered/nope", method="GET").text == "fine"

    def test_fails_in_debug_mode_with_a_sentence_and_nothing_open(self, host: MountedHost, upstream: Upstream) -> None:
        upstream.answer("debugged", openai_wire.answer("one ", Hang()))
        assert host.send("debug", "/cached/debugged", method="GET").status == 500
        upstream.closed("debugged")
        host.wait_until(lambda: host.send("debug", "/healthz", method="GET").json["streams"] == 0)
