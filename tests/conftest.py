"""Fixtures that many tests share: an upstream that follows scripts, and the service in front of it."""

from __future__ import annotations

import gc
import os
import shutil
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import gevent
import pytest
from hypothesis import settings

from flask_headrace.settings import PREFIX
from tests.support.service import Service
from tests.support.upstream import Upstream

NOTHING_MAY_BE_SKIPPED = "REQUIRE_ALL_TESTS"

FIXED_EXAMPLES = "FIXED_EXAMPLES"
"""Set in CI: property tests draw the same examples each time, so that no change fails by the faults of others."""

# The machine may be busy, and how fast an example is says nothing here.
settings.register_profile("random", deadline=None)
settings.register_profile("fixed", deadline=None, derandomize=True, database=None)
settings.load_profile("fixed" if os.environ.get(FIXED_EXAMPLES) else "random")

HERE = Path(__file__).parent
LONG = (
    "programs/test_cline.py",
    "programs/test_libraries.py",
    "blueprints/openapi/test_document.py",
    "page/test_chromium_restarts.py",
    "reliability/test_shutdown.py",
    "streaming/resume/across_workers/test_worker_death.py",
    "steps/faults/test_workers_that_end.py",
    "steps/faults/test_ends.py",
    "test_benchmarks.py",
    "packaging/test_typing.py",
    "reliability/test_operator.py",
    "reliability/test_reload.py",
    "page/test_modules.py",
    "page/test_chromium_network.py",
    "page/test_chromium_return.py",
    "page/test_chromium_structured.py",
    "streaming/resume/across_workers/test_store_away.py",
    "streaming/resume/across_workers/test_nginx.py",
    "streaming/resume/across_workers/test_chaos.py",
    "reliability/test_embedded_model.py",
    "setup/test_stores.py",
    "providers/embedded/test_process.py",
    "reliability/test_temporary_folder.py",
    "reliability/test_slow_reader.py",
    "reliability/test_answers_stay_apart.py",
    "middleware/test_open_files_of_threads.py",
    "middleware/test_servers.py",
    "middleware/test_async_views.py",
    "middleware/test_pywsgi.py",
    "streaming/stores/test_processes.py",
    "server/test_start_checks.py",
    "middleware/test_iterator_wrappers.py",
    "blueprints/test_cli.py",
    "blueprints/test_health.py",
    "reliability/test_disconnect_windows.py",
    "reliability/test_request_limits.py",
    "reliability/test_open_files.py",
    "streaming/resume/across_workers/test_expiry.py",
    "server/test_open_access.py",
    "packaging/test_wheel.py",
    "providers/embedded/test_supervisor.py",
    "providers/fallback/test_outage.py",
    "streaming/stores/test_memory.py",
    "streaming/stores/redis/test_expiry.py",
    "blueprints/anthropic_messages/test_encoder_with_sdk.py",
)
"""Files of few tests that take long each: they wait for services that start, stop or die."""


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection() -> Iterator[object]:
    """Let the garbage collector leave alone what is collected here: it would look through all of it again and again.

    That is half of the time of the collection, and a tenth of that of the tests.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the long files, and go on with those of most tests: one that is begun last ends alone."""
    places = {HERE / name: place for place, name in enumerate(LONG)}
    sizes = Counter(item.path for item in items)
    items.sort(key=lambda item: (places.get(item.path, len(LONG)), -sizes[item.path]))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call() -> None:
    """Set the clock of gevent's loop to the present time.

    The loop sets its clock once a turn, and `joinall`, `wait` and `sleep` count their seconds from it. After tests and
    fixtures that blocked the process for 20 s, a `joinall(timeout=20)` would return at once.
    """
    gevent.get_hub().loop.update_now()


@pytest.fixture(scope="session", autouse=True)
def nothing_set() -> Iterator[None]:
    """Remove all settings from the environment: applications in this process read it, too."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(PREFIX)]:
            patch.delenv(name)
        yield


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> Iterator[None]:
    """Let SIGINT end the processes that the tests start, also if a shell has started the tests in the background.

    A process that ignores the signal passes this on to its children.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def shared_upstream() -> Iterator[Upstream]:
    with Upstream() as running:
        yield running


@pytest.fixture(scope="module", autouse=True)
def nothing_seen_yet(shared_upstream: Upstream) -> None:
    """Reset the upstream before each file: two files may use the same names."""
    shared_upstream.start_afresh()


@pytest.fixture(scope="session")
def upstream(shared_upstream: Upstream) -> Upstream:
    return shared_upstream


@pytest.fixture(scope="session")
def service(upstream: Upstream) -> Iterator[Service]:
    with Service(**upstreams(upstream)) as running:
        yield running


def upstreams(upstream: Upstream) -> dict[str, str]:
    """Return the settings of a service whose OpenAI and Anthropic are both `upstream`."""
    return {
        "OPENAI_BASE_URL": upstream.url + "/v1",
        "OPENAI_API_KEY": "sk-test-openai",
        "ANTHROPIC_BASE_URL": upstream.url,
        "ANTHROPIC_API_KEY": "sk-ant-test",
        "HEADRACE_MODEL": "openai/default",
    }


def require(program: str, install: str) -> str:
    """Return the path of a program, or skip the test with the command that installs it; in CI, fail."""
    path = shutil.which(program)
    if path is None:
        sentence = f"{program} is not installed: {install}"
        if os.environ.get(NOTHING_MAY_BE_SKIPPED):
            pytest.fail(sentence)
        pytest.skip(sentence)
    return path
