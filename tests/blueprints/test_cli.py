"""The commands `flask headrace ask` and `flask headrace models`, each in its own process."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import IO

import pytest

from tests.support.service import ROOT, environment
from tests.support.started_service import openai_alone
from tests.support.upstream import Ended, Gate, Upstream, openai_wire, script


def start(
    upstream: Upstream, *arguments: str, stdout: int | IO[str] = subprocess.PIPE, **settings: str
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "app", "headrace", *arguments],
        cwd=ROOT,
        # Buffered, as at a user's: what could not be written is then there at the end again.
        env=environment(**openai_alone(upstream), HEADRACE_EMBEDDED="0", PYTHONUNBUFFERED="", **settings),
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        bufsize=1,
    )


def test_ask_prints_the_answer(upstream: Upstream) -> None:
    upstream.answer("cli", openai_wire.answer("Hel", "lo – 🌊"))
    out, err = start(
        upstream, "ask", "hi", "--model", "openai/cli", "--system", "Be brief.", "--max-tokens", "9"
    ).communicate(timeout=180)
    assert (out, err) == ("Hello – 🌊\n", "")
    assert upstream.requests("cli")[-1].body["max_tokens"] == 9
    assert upstream.requests("cli")[-1].body["messages"][0] == {"role": "system", "content": "Be brief."}


def test_ask_prints_each_token_as_it_comes_and_ctrl_c_stops_the_upstream(upstream: Upstream) -> None:
    upstream.answer("cli-stop", openai_wire.answer("one ", Gate("cli-stop"), "two"))
    process = start(upstream, "ask", "hi", "--model", "openai/cli-stop")
    assert process.stdout is not None
    assert process.stdout.read(4) == "one "
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=180)
    assert upstream.wait_for(lambda: upstream.requests("cli-stop")[0].ended is Ended.ABORTED)
    assert process.returncode != 0
    assert err.strip() == "Aborted!"
    assert "two" not in out


def test_ask_tells_an_error_in_one_sentence(upstream: Upstream) -> None:
    upstream.answer("cli-refused", openai_wire.error(401))
    process = start(upstream, "ask", "hi", "--model", "openai/cli-refused")
    out, err = process.communicate(timeout=180)
    assert process.returncode == 1
    assert out == ""
    assert err.startswith("Error: openai refused")
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("reason", ["length", "content_filter"])
def test_ask_says_that_an_answer_was_cut_and_exits_with_a_status_of_its_own(upstream: Upstream, reason: str) -> None:
    upstream.answer(f"cli-{reason}", openai_wire.answer("Half an", finish=reason))
    process = start(upstream, "ask", "hi", "--model", f"openai/cli-{reason}")
    out, err = process.communicate(timeout=180)
    assert (out, process.returncode) == ("Half an\n", 3)
    assert err.startswith("The answer was cut")
    assert f"({reason})" in err
    assert len(err.splitlines()) == 1


def test_ask_says_so_of_half_a_character(upstream: Upstream) -> None:
    process = start(upstream, "ask", "na\udcefve")  # as a terminal of another encoding sends it
    _, err = process.communicate(timeout=180)
    assert process.returncode == 1
    assert err == "Error: The request contains '\\udcef', a lone surrogate: send whole characters.\n"


def test_ask_says_where_another_model_begins_the_answer_again(upstream: Upstream, tmp_path: Path) -> None:
    *words, error, close = openai_wire.failing_after(2).steps
    # What is read at once with the error was shown to nobody, and needs no restart.
    upstream.answer("cli-dying", script(*words, Gate("cli-dying"), error, close))
    upstream.answer("cli-next", openai_wire.answer("Else."))
    config = tmp_path / "headrace.toml"
    both = 'chain = ["openai/cli-dying", "openai/cli-next"]\nretries = 0\nfirst_token_timeout = 60\n'
    config.write_text(f"[models.both]\n{both}")
    process = start(upstream, "ask", "hi", "--model", "both", HEADRACE_CONFIG=str(config))
    assert process.stdout is not None
    assert process.stdout.read(4) == "0 1 "
    upstream.open_gate("cli-dying")
    out, err = process.communicate(timeout=180)
    assert out == "\nElse.\n"
    assert err == "openai/cli-next restarts the answer (upstream_failed):\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("command", [("ask", "hi", "--model", "openai/cli-full"), ("models",)], ids=lambda c: c[0])
def test_output_that_cannot_be_written_is_told_in_one_sentence(upstream: Upstream, command: tuple[str, ...]) -> None:
    upstream.answer("cli-full", openai_wire.answer("one ", Gate("cli-full"), "two"))
    with open("/dev/full", "w") as full:  # a device
        process = start(upstream, *command, stdout=full)
        _, err = process.communicate(timeout=180)
    assert (process.returncode, err) == (1, "Error: The output cannot be written: No space left on device.\n")
    assert all(request.ended is Ended.ABORTED for request in upstream.requests("cli-full"))


def test_the_model_is_stopped_when_nobody_reads_the_output_any_more(upstream: Upstream) -> None:
    upstream.answer("cli-pipe", openai_wire.answer("one ", Gate("cli-pipe"), "two ", Gate("never"), "three"))
    process = start(upstream, "ask", "hi", "--model", "openai/cli-pipe")
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.read(4) == "one "
    process.stdout.close()
    upstream.open_gate("cli-pipe")
    assert (process.stderr.read(), process.wait(30)) == ("", -signal.SIGPIPE)
    assert upstream.wait_for(lambda: upstream.requests("cli-pipe")[0].ended is Ended.ABORTED)


def test_models_marks_the_default_one(upstream: Upstream) -> None:
    upstream.models = ["default", "other"]
    out, _ = start(upstream, "models").communicate(timeout=180)
    upstream.models = None
    assert "* openai/default" in out.splitlines()
    assert "  openai/other" in out.splitlines()
