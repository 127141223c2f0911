"""The supervisor with a real model: requests, kill, restart, stop."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from flask_headrace.providers.embedded import supervisor
from tests.providers.embedded.process_table import ask, busy_slots, is_alive, model_pid, until

LONG_PROMPT = "The river was low that year. " * 200


@pytest.mark.usefixtures("shared_model")
class TestRequests:
    def test_an_answer_comes_in_pieces_and_ends_with_done(self) -> None:
        frames = [line[6:] for line in ask("Say hello.").read().decode().splitlines() if line.startswith("data: ")]
        assert frames[-1] == "[DONE]"
        chunks = [json.loads(frame) for frame in frames[:-1]]
        assert len([c for c in chunks if c["choices"] and c["choices"][0]["delta"].get("content")]) > 1
        assert {chunk["model"] for chunk in chunks} == {"smollm2"}

    @pytest.mark.parametrize("key", ["", "wrong"])
    def test_a_request_without_the_key_is_refused(self, key: str) -> None:
        assert ask("Say hello.", key=key).status == 401

    def test_a_reader_who_leaves_in_the_middle_frees_the_slot(self) -> None:
        response = ask("Count to one thousand in words.", max_tokens=1500)
        assert response.readline()
        assert busy_slots() == 1
        response.close()
        until(lambda: busy_slots() == 0, 3)

    def test_a_reader_who_leaves_before_the_first_token_frees_the_slot(self) -> None:
        response = ask(LONG_PROMPT, max_tokens=1500)
        until(lambda: busy_slots() == 1)
        response.close()
        # llama.cpp checks its connections after a second without requests, and each query of the slots is one
        until(lambda: busy_slots() == 0, 12, every=1.3)

    def test_an_overlong_prompt_is_refused_and_harms_nobody(self) -> None:
        assert ask(LONG_PROMPT * 3).status == 400
        assert ask("Say hello.").status == 200


class TestSupervision:
    def test_it_is_restarted_elsewhere_and_says_so_meanwhile(self, model: supervisor.EmbeddedModelSupervisor) -> None:
        before, pid = supervisor.wait_until_ready(), model_pid()
        os.kill(pid, signal.SIGKILL)
        until(lambda: model_pid() != pid)
        with pytest.raises(supervisor.EmbeddedModelUnavailable, match=r"ended by signal 9 .* try again") as caught:
            supervisor.get_endpoint()
        assert caught.value.retryable
        assert supervisor.wait_until_ready() != before
        assert b"[DONE]" in ask("Say hello.").read()

    def test_it_says_that_it_is_starting(self, model: supervisor.EmbeddedModelSupervisor) -> None:
        with pytest.raises(supervisor.EmbeddedModelUnavailable, match="is starting") as caught:
            supervisor.get_endpoint()
        assert caught.value.retryable

    def test_stop_ends_the_process_and_can_be_called_twice(self, model: supervisor.EmbeddedModelSupervisor) -> None:
        supervisor.wait_until_ready()
        pid, directory = model_pid(), Path(os.environ[supervisor.STATE_VARIABLE]).parent
        model.stop()
        model.stop()
        assert not is_alive(pid)
        assert not directory.exists()
        with pytest.raises(supervisor.EmbeddedModelUnavailable, match="not running"):
            supervisor.get_endpoint()

    def test_stop_while_it_loads_ends_it(self, model: supervisor.EmbeddedModelSupervisor) -> None:
        until(lambda: model._process)
        pid = model._process.pid
        model.stop()
        assert not is_alive(pid)

    def test_stop_before_start_does_nothing(self) -> None:
        supervisor.EmbeddedModelSupervisor().stop()

    def test_stop_in_a_forked_worker_leaves_it_running(self, model: supervisor.EmbeddedModelSupervisor) -> None:
        supervisor.wait_until_ready()
        pid = model_pid()
        worker = os.fork()
        if worker == 0:
            model.stop()
            os._exit(0)
        os.waitpid(worker, 0)
        assert ask("Say hello.").status == 200
        assert model_pid() == pid

    def test_the_key_is_told_to_nobody_else(self, model: supervisor.EmbeddedModelSupervisor) -> None:
        key, pid = supervisor.wait_until_ready().api_key, model_pid()
        assert key not in Path(f"/proc/{pid}/cmdline").read_text()
        assert key not in Path(f"/proc/{pid}/environ").read_text()
        assert key not in repr((supervisor.get_endpoint(), supervisor.read_state(), model))
        assert Path(os.environ[supervisor.STATE_VARIABLE]).parent.stat().st_mode & 0o77 == 0

    def test_another_process_finds_it_and_starts_none(self, model: supervisor.EmbeddedModelSupervisor) -> None:
        code = (
            "from flask_headrace.providers.embedded import supervisor\n"
            "supervisor.ensure_started()\n"
            "print(supervisor.get_endpoint().base_url)"
        )
        where = supervisor.wait_until_ready()
        other = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
        assert other.stdout.strip() == where.base_url

    @pytest.mark.usefixtures("runnable")
    def test_a_broken_file_is_told_and_tried_again(self, tmp_path: Path) -> None:
        broken = tmp_path / "broken.gguf"
        broken.write_bytes(supervisor.find_model_file().read_bytes()[:100_000])
        model = supervisor.EmbeddedModelSupervisor(str(broken))
        model.start()
        until(lambda: isinstance(supervisor.read_state(), supervisor.Restarting))
        with pytest.raises(supervisor.EmbeddedModelUnavailable, match="could not be loaded"):
            supervisor.get_endpoint()
        model.stop()

    @pytest.mark.usefixtures("own_environment")
    def test_what_cannot_run_is_not_tried(self, tmp_path: Path) -> None:
        model = supervisor.EmbeddedModelSupervisor(str(tmp_path / "absent.gguf"))
        model.start()
        with pytest.raises(supervisor.EmbeddedModelUnavailable, match=r"absent\.gguf") as caught:
            supervisor.wait_until_ready()
        assert not caught.value.retryable
        model.stop()
