"""Upstream messages are shown to readers without keys, passwords and private addresses."""

from __future__ import annotations

import pytest

from flask_headrace.providers.redaction import MAX_MESSAGE_CHARS, MAX_SCANNED_CHARS, redact, register_secret

PRIVATE = [
    "10.0.0.5",
    "10.0.0.5:8080",
    "172.16.0.1",
    "172.31.255.254:1",
    "192.168.1.1",
    "127.0.0.1:11434",
    "169.254.169.254",
    "100.64.1.1",
    "[::1]:8000",
    "[fc00::1]",
    "[fd12:3456:789a::1]:443",
    "fe80::1",
    "fe80::1%eth0",
    "::1",
    "::ffff:10.0.0.1",
    "gpu-3.internal",
    "gpu-3.internal:8000",
    "vllm.models.svc.cluster.local:8000",
    "printer.local",
    "ip-10-0-0-5.eu-west-1.compute.internal",
    "localhost:11434",
]


@pytest.mark.parametrize("place", PRIVATE)
class TestAPrivateAddress:
    def test_in_a_sentence_is_left_out(self, place: str) -> None:
        assert redact(f"cannot connect to {place}, try later") == "cannot connect to [address], try later"
        assert redact(f"no route to {place}.") == "no route to [address]."
        assert redact(f"('{place}')") == "('[address]')"

    def test_in_a_url_is_left_out(self, place: str) -> None:
        if ":" in place and "[" not in place and "." not in place and "localhost" not in place:
            place = f"[{place}]"
        message = redact(f"GET http://{place}/v1/chat?x=1 failed")
        assert message == "GET http://[address]/v1/chat?x=1 failed"


@pytest.mark.parametrize(
    ("message", "left"),
    [
        ("http://vllm:8000/v1 is down", "http://[address]/v1 is down"),
        ("http://vllm is down", "http://[address] is down"),
        ("see https://user:pass@api.acme.example/v1", "see https://api.acme.example/v1"),
        ("see https://us%40er:p%3Aa@10.0.0.1:80/v1", "see https://[address]/v1"),
        ("redis://:secret@cache.example:6379/0", "redis://cache.example:6379/0"),
        ("https://token@git.example/x", "https://git.example/x"),
        ("proxy me:hunter2@proxy.example:3128 refused", "proxy proxy.example:3128 refused"),
        ("proxy=me:p@ss@proxy.example", "proxy=proxy.example"),
        ("HOST='10.1.2.3', port=80", "HOST='[address]', port=80"),
    ],
)
def test_users_passwords_and_names_of_inside_are_left_out(message: str, left: str) -> None:
    assert redact(message) == left


@pytest.mark.parametrize(
    "text",
    [
        "see https://platform.openai.com/docs/errors",
        "at 8.8.8.8:53 or [2606:4700::1111]:443",
        "version 1.2.3.4.5 at 12:30:45",
        "std::vector and Foo::Bar",
        "172.32.0.1 and 192.169.0.1 and 11.0.0.1 are public",
        "write to help@acme.example: today",
        "the local model is internal",
        "{'role': 'user', 'content': 'a:b'}",
        "max_tokens: 10, ratio 3:4",
    ],
)
def test_all_else_stays(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize("unit", ["a:", "1.", "::", "a.", "://", "x@", "://a:b", "10.0.0.1:", "f", "sk-", "localhost:"])
def test_of_a_long_text_only_the_beginning_is_looked_through(unit: str) -> None:
    long = unit * 1_000_000
    assert redact(long) == redact(long[:MAX_SCANNED_CHARS])
    assert len(redact(long)) <= MAX_MESSAGE_CHARS + 1
    register_secret("the-key-of-this-test")
    beginning = " " * (MAX_SCANNED_CHARS - 5)
    assert redact(beginning + "ab the-key-of-this-test") == "ab th"
