"""Whether other machines can reach an address on which the service listens."""

from __future__ import annotations

import pytest

from flask_headrace.setup.listen_address import is_on_loopback


class TestLoopback:
    @pytest.mark.parametrize(
        "bind",
        [
            "127.0.0.1:8000",
            "127.0.0.1",
            "127.8.9.10:80",
            "localhost:8000",
            "LOCALHOST",
            "[::1]:8000",
            "tcp://127.0.0.1:80",
            "unix:/run/headrace.sock",
            "127.0.0.1:8000, [::1]:8000",
        ],
    )
    def test_is_what_only_this_machine_can_reach(self, bind: str) -> None:
        assert is_on_loopback(bind)

    @pytest.mark.parametrize(
        "bind",
        [
            "0.0.0.0:8000",
            ":8000",
            "[::]:8000",
            "192.168.1.5:80",
            "fd://3",
            "localhost.example:80",
            "127.0.0.1.example:80",
            "127.evil.example",
            "127.0.0.1:8000,0.0.0.0:8001",
            "127.0.0.1:8000,",
        ],
    )
    def test_is_not_what_others_can_reach_or_what_only_looks_like_it(self, bind: str) -> None:
        assert not is_on_loopback(bind)
