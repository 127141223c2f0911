"""HEADRACE_METRICS_TOKEN: how a scraper reads /metrics of a service with keys, or of an application with a login."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from flask import Flask, abort
from prometheus_client.parser import text_string_to_metric_families

from flask_headrace import ConfigurationError, Headrace
from tests.support.host import Host
from tests.support.reader import Answer, ask, send
from tests.support.service import ROOT, Service

TOKEN = "scrape-0123456789"
KEY = "key-0123456789"

HOST = """
from flask import Flask, abort, request
from flask_headrace import Headrace

app = Flask(__name__)
app.config.update(HEADRACE_EMBEDDED=False)
Headrace(app, url_prefix="/assistant", authorize=lambda: request.headers.get("X-User") or abort(401))


@app.get("/healthz")
def health():
    return "ok"
"""


def metrics(url: str, *, method: str = "GET", **headers: str) -> Answer:
    return send(f"{url}/metrics", method=method, headers={name.replace("_", "-"): headers[name] for name in headers})


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    with Host(tmp_path_factory.mktemp("host"), HOST, HEADRACE_METRICS_TOKEN=TOKEN, WEB_CONCURRENCY="2") as running:
        yield running


@pytest.fixture(scope="module")
def keyed() -> Iterator[Service]:
    with Service(HEADRACE_METRICS_TOKEN=TOKEN, HEADRACE_API_KEYS=KEY) as running:
        yield running


class TestAnApplicationWithALogin:
    def test_is_scraped_with_the_token(self, host: Host) -> None:
        answer = metrics(f"{host.url}/assistant", Authorization=f"Bearer {TOKEN}")
        assert (answer.status, b"headrace_open_streams" in answer.body) == (200, True)
        assert metrics(f"{host.url}/assistant", method="HEAD", Authorization=f"bearer  {TOKEN}").status == 200

    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"X_User": "alice"},
            {"Authorization": TOKEN},
            {"Authorization": f"Basic {TOKEN}"},
            {"Authorization": f"Bearer {TOKEN}0"},
            {"Authorization": f"Bearer {TOKEN[:-1]}"},
            {"Authorization": f"Bearer {TOKEN.upper()}"},
            {"Authorization": "Bearer Ã¼"},
            {"Authorization": "Bearer"},
            {"X_Api_Key": TOKEN},
        ],
        ids=str,
    )
    def test_shows_nobody_else_the_metrics(self, host: Host, headers: dict[str, str]) -> None:
        answer = metrics(f"{host.url}/assistant", **headers)
        assert (answer.status, answer.error["code"]) == (401, "unauthorized")
        assert "HEADRACE_METRICS_TOKEN" in answer.error["message"]
        assert metrics(f"{host.url}/assistant", method="HEAD", **headers).status == 401

    def test_lets_the_token_do_nothing_else(self, host: Host) -> None:
        answer = send(f"{host.url}/assistant/api/models", method="GET", headers={"Authorization": f"Bearer {TOKEN}"})
        assert answer.status == 401

    def test_answers_health_checks_of_everybody(self, host: Host) -> None:
        assert send(f"{host.url}/assistant/healthz", method="GET").status == 200
        assert send(f"{host.url}/assistant/readyz", method="GET").status in {200, 503}

    def test_is_scraped_as_the_document_configures_prometheus(self, host: Host, tmp_path: Path) -> None:
        (block,) = re.findall(r"^```yaml\n(.*?)^```", (ROOT / "docs/protocol.md").read_text(), re.MULTILINE | re.DOTALL)
        (job,) = yaml.safe_load(block)["scrape_configs"]
        assert set(job) == {"job_name", "metrics_path", "authorization", "static_configs"}
        job["authorization"]["credentials_file"] = str(tmp_path / "token")
        (tmp_path / "token").write_text(f"{TOKEN}\n")
        job["static_configs"] = [{"targets": [f"127.0.0.1:{host.port}"]}]
        names = {family.name for family in text_string_to_metric_families(scrape(job))}
        assert "headrace_open_streams" in names


def scrape(job: dict[str, Any]) -> str:
    """Scrape the only target of a job as Prometheus does, and return the body."""
    ((target,),) = [config["targets"] for config in job["static_configs"]]
    authorization = job["authorization"]
    token = Path(authorization["credentials_file"]).read_text().strip()
    headers = {
        "Accept": "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
        "Authorization": f"{authorization.get('type', 'Bearer')} {token}",
        "User-Agent": "Prometheus/3.5.0",
        "X-Prometheus-Scrape-Timeout-Seconds": "10",
    }
    answer = send(f"{job.get('scheme', 'http')}://{target}{job['metrics_path']}", method="GET", headers=headers)
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return answer.body.decode()


def test_a_service_with_keys_is_scraped_with_the_token_and_not_with_a_key(keyed: Service) -> None:
    assert metrics(keyed.url, Authorization=f"Bearer {TOKEN}").status == 200
    assert metrics(keyed.url, Authorization=f"Bearer {KEY}").status == 401
    assert metrics(keyed.url, Authorization=f"Bearer {KEY}", X_Api_Key=TOKEN).status == 401


def test_the_token_asks_no_model(keyed: Service) -> None:
    body = {"messages": [{"role": "user", "content": "hi"}]}
    sent = {"Authorization": f"Bearer {TOKEN}"}
    assert send(f"{keyed.url}/api/chat", body, headers=sent).error["code"] == "unauthorized"


def test_an_open_service_is_scraped_by_any_name_with_the_token_alone() -> None:
    with Service(HEADRACE_METRICS_TOKEN=TOKEN) as own:
        for name in ("mill.internal:8000", f"127.0.0.1:{own.port}"):
            assert metrics(own.url, Host=name, Authorization=f"Bearer {TOKEN}").status == 200
            assert metrics(own.url, Host=name).status == 401
        assert send(f"{own.url}/api/models", method="GET", headers={"Host": "mill.internal:8000"}).status == 403
        assert ask(own.url, "openai/x").status == 503  # no model is set up; it needs no key


@pytest.mark.parametrize("setting", [{}, {"HEADRACE_METRICS_TOKEN": ""}, {"HEADRACE_METRICS_TOKEN": None}])
def test_without_the_setting_authorize_decides(setting: dict[str, Any]) -> None:
    app = Flask(__name__)
    app.config.update(HEADRACE_EMBEDDED=False, **setting)
    Headrace(app, authorize=lambda: abort(403))
    assert app.test_client().get("/metrics", headers={"Authorization": "Bearer "}).status_code == 403


@pytest.mark.parametrize("token", [" spaced ", "line\nbreak", "ümlaut"])
def test_a_token_that_no_scraper_can_send_is_refused_and_not_logged(token: str) -> None:
    app = Flask(__name__)
    app.config.update(HEADRACE_EMBEDDED=False, HEADRACE_METRICS_TOKEN=token)
    with pytest.raises(ConfigurationError, match=r"HEADRACE_METRICS_TOKEN has \d+ characters") as error:
        Headrace(app)
    assert token not in str(error.value)
