"""Every setting: from the environment's strings, from an application's own values, and with a mistake in it."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from pathlib import Path
from typing import Any

import pytest

from flask_headrace.core.errors import ConfigurationError
from flask_headrace.settings import RENAMED, Settings

READ = [
    ("BIND", "0.0.0.0:80", "0.0.0.0:80"),
    ("CONFIG", "/etc/headrace.toml", "/etc/headrace.toml"),
    ("MODEL", "acme/tiny/2", "acme/tiny/2"),
    ("HEARTBEAT", "0.5", 0.5),
    ("HEARTBEAT", 15, 15.0),
    ("CONNECT_TIMEOUT", "3", 3.0),
    ("FIRST_TOKEN_TIMEOUT", " 12 ", 12.0),
    ("STALL_TIMEOUT", 1e3, 1000.0),
    ("MAX_DURATION", "600", 600.0),
    ("CLIENT_TIMEOUT", "30", 30.0),
    ("BODY_TIMEOUT", "5", 5.0),
    ("BUFFER", "262144", 262144),
    ("BUFFER", 1024, 1024),
    ("STORE", "redis://127.0.0.1:6379/1", "redis://127.0.0.1:6379/1"),
    ("STORE_STREAM", "1000", 1000),
    ("STORE_TOTAL", "2000", 2000),
    ("RESUME_GRACE", "0", 0.0),
    ("RETENTION", "60", 60.0),
    ("MAX_STREAMS", "7", 7),
    ("MAX_STREAMS_PER_OWNER", "3", 3),
    ("MAX_CONTENT_LENGTH", "1", 1),
    ("MAX_TEXT_LENGTH", "2", 2),
    ("MAX_BODY_MEMORY", "3", 3),
    ("MAX_COST", "0.5", 0.5),
    ("MAX_STEPS", "3", 3),
    ("TOOL_TIMEOUT", "2.5", 2.5),
    ("TOOL_RESULT", "1000", 1000),
    ("APPROVAL_TIMEOUT", "60", 60.0),
    ("MAX_RETRIES", "0", 0),
    ("MAX_RETRIES", 2, 2),
    ("DRAIN", "0", 0.0),
    ("API_KEYS", "a, b,,", ("a", "b")),
    ("API_KEYS", ["a", " b "], ("a", "b")),
    ("API_KEYS", "", ()),
    ("API_KEYS", None, ()),
    ("METRICS_TOKEN", "scrape", "scrape"),
    ("TRUSTED_HOSTS", "chat.example, mill", ("chat.example", "mill")),
    ("CORS_ORIGINS", "https://a.example", ("https://a.example",)),
    ("SCHEMAS", "schemas", "schemas"),
    ("EMBEDDED", "off", False),
    ("EMBEDDED", "YES", True),
    ("EMBEDDED", True, True),
    ("EMBEDDED", 0, False),
    ("EMBEDDED_MODEL", "/models/x.gguf", "/models/x.gguf"),
    ("EMBEDDED_MODEL", Path("/models/x.gguf"), "/models/x.gguf"),
]
OPTIONAL = [
    "CONFIG",
    "MODEL",
    "STORE",
    "HEARTBEAT",
    "FIRST_TOKEN_TIMEOUT",
    "STALL_TIMEOUT",
    "MAX_DURATION",
    "MAX_COST",
    "TOOL_TIMEOUT",
    "CLIENT_TIMEOUT",
    "BODY_TIMEOUT",
    "METRICS_TOKEN",
    "SCHEMAS",
    "EMBEDDED_MODEL",
    "MAX_STREAMS_PER_OWNER",
]
NUMBERS = ["HEARTBEAT", "CONNECT_TIMEOUT", "FIRST_TOKEN_TIMEOUT", "STALL_TIMEOUT", "MAX_DURATION", "CLIENT_TIMEOUT"]
NUMBERS += ["BODY_TIMEOUT", "RETENTION"]
WHOLE_NUMBERS = [
    "BUFFER",
    "MAX_STREAMS",
    "MAX_CONTENT_LENGTH",
    "MAX_TEXT_LENGTH",
    "MAX_BODY_MEMORY",
    "STORE_STREAM",
    "STORE_TOTAL",
]


def read(name: str, value: Any) -> Any:
    return getattr(Settings.from_mapping({f"HEADRACE_{name}": value}), name.lower())


def complaint(name: str, value: Any) -> str:
    with pytest.raises(ConfigurationError) as raised:
        read(name, value)
    return raised.value.message


@pytest.mark.parametrize(("name", "value", "setting"), READ)
def test_is_read_from_strings_and_from_values(name: str, value: Any, setting: Any) -> None:
    found = read(name, value)
    assert found == setting
    assert type(found) is type(setting)


def test_each_is_among_those_that_are_tested_here() -> None:
    assert {name.lower() for name, _, _ in READ} == {field.name for field in fields(Settings)}


@pytest.mark.parametrize("name", OPTIONAL)
@pytest.mark.parametrize("nothing", ["", None])
def test_an_optional_one_is_disabled_by_nothing(name: str, nothing: str | None) -> None:
    assert read(name, nothing) is None


def test_without_any_all_have_their_defaults() -> None:
    assert Settings.from_mapping({}) == Settings()
    assert Settings.from_mapping({"OPENAI_API_KEY": "x", "DEBUG": True}) == Settings()


def test_they_do_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        Settings().bind = "0.0.0.0:80"


class TestOfAnApplication:
    def test_are_the_environments_where_it_says_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HEADRACE_API_KEYS", "a,b")
        monkeypatch.setenv("HEADRACE_MAX_STREAMS", "7")
        monkeypatch.setenv("HEADRACE_STORE", "sqlite:///x.db")
        found = Settings.from_app_config({"HEADRACE_MAX_STREAMS": 9, "HEADRACE_STORE": None, "SECRET_KEY": "x"})
        assert (found.api_keys, found.max_streams, found.store) == (("a", "b"), 9, None)

    @pytest.mark.parametrize("name", ["HEADRACE_API_KEY", "HEADRACE_STOR"])
    def test_unknown_in_either_place_stop_the_start(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        with pytest.raises(ConfigurationError, match=f"{name} is no setting"):
            Settings.from_app_config({name: "x"})
        monkeypatch.setenv(name, "x")
        with pytest.raises(ConfigurationError, match=f"{name} is no setting"):
            Settings.from_app_config({})


class TestUnknownName:
    def test_is_told_with_the_nearest_known_one(self) -> None:
        assert complaint("HEARTBEET", "1") == "HEADRACE_HEARTBEET is no setting: did you mean HEADRACE_HEARTBEAT?"

    def test_near_to_none_is_told_with_all_of_them(self) -> None:
        message = complaint("ZZZ", "1")
        assert message.startswith("HEADRACE_ZZZ is no setting: there are HEADRACE_BIND, ")
        assert "HEADRACE_EMBEDDED_MODEL" in message

    @pytest.mark.parametrize("name", RENAMED)
    def test_of_an_earlier_version_is_told_with_the_present_one(self, name: str) -> None:
        now = f"HEADRACE_{RENAMED[name].upper()}"
        assert complaint(name.upper(), "1") == f"HEADRACE_{name.upper()} is no setting: it is called {now} now."
        assert RENAMED[name] in {field.name for field in fields(Settings)}


class TestBadValue:
    @pytest.mark.parametrize("value", ["often", "-1", "nan", "inf", "1s", [], True, object])
    @pytest.mark.parametrize("name", NUMBERS)
    def test_of_a_duration_is_named(self, name: str, value: Any) -> None:
        message = complaint(name, value)
        assert message.startswith(f"HEADRACE_{name} is {value!r}: it must be a number")
        assert message.endswith("or empty to disable it.") == (name in OPTIONAL)

    @pytest.mark.parametrize("value", ["many", "1.5", "-1", "1e3", "", None, True, 2.0])
    @pytest.mark.parametrize("name", [*WHOLE_NUMBERS, "MAX_RETRIES"])
    def test_of_a_number_is_named(self, name: str, value: Any) -> None:
        assert complaint(name, value) == f"HEADRACE_{name} is {value!r}: it must be a whole number of 0 or more."

    @pytest.mark.parametrize("name", [*NUMBERS, *WHOLE_NUMBERS])
    def test_of_zero_is_named_where_it_makes_no_sense(self, name: str) -> None:
        assert complaint(name, "0") == f"HEADRACE_{name} is 0: it must be more than 0."

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("CLIENT_TIMEOUT", "99999999"),
            ("MAX_STREAMS", str(10**20)),
            ("MAX_DURATION", 10**6),
            ("STORE_TOTAL", 2**60),
            ("MAX_RETRIES", 101),
            ("MAX_STEPS", 1001),
        ],
    )
    def test_of_more_than_the_kernel_or_gunicorn_takes_is_named(self, name: str, value: Any) -> None:
        assert complaint(name, value).startswith(f"HEADRACE_{name} is ")

    @pytest.mark.parametrize(
        ("bind", "address"),
        [
            ("127.0.0.1:8000,", "''"),
            ("127.0.0.1:99999", "'127.0.0.1:99999'"),
            ("127.0.0.1:0", "'127.0.0.1:0'"),
            ("127.0.0.1", "'127.0.0.1'"),
            ("127.0.0.1:http", "'127.0.0.1:http'"),
            (":8000", "':8000'"),
            ("::1:8000", "'::1:8000'"),
            ("unix:", "'unix:'"),
            ("a b:80", "'a b:80'"),
        ],
    )
    def test_of_an_address_is_named(self, bind: str, address: str) -> None:
        assert f"HEADRACE_BIND has the address {address}: " in complaint("BIND", bind)

    @pytest.mark.parametrize(
        "bind",
        ["0.0.0.0:80", "[::1]:8000", "localhost:65535", "unix:/run/a.sock", "unix:a.sock", "fd://3", "tcp://a:1"],
    )
    def test_is_none_of_an_address_that_gunicorn_takes(self, bind: str) -> None:
        assert read("BIND", f"{bind}, 127.0.0.1:8001") == f"{bind}, 127.0.0.1:8001"

    @pytest.mark.parametrize("key", ["schlüssel", "a\nb", "a\x00"])
    def test_of_a_key_that_cannot_be_sent_is_named_and_the_key_not_shown(self, key: str) -> None:
        message = complaint("API_KEYS", [key])
        assert f"a key of {len(key)} characters" in message
        assert key not in message

    @pytest.mark.parametrize("value", ["", "perhaps", None, 2])
    def test_of_a_flag_is_named(self, value: Any) -> None:
        assert complaint("EMBEDDED", value) == f"HEADRACE_EMBEDDED is {value!r}: it must be 1 or 0."

    @pytest.mark.parametrize("value", [5, [5], ["a", None]])
    def test_of_a_list_is_named(self, value: Any) -> None:
        assert "it must be a list, separated by commas" in complaint("CORS_ORIGINS", value)

    @pytest.mark.parametrize("value", ["https://chat.example", "chat.example:8000", "chat.example/", "a b", "*.a/b"])
    def test_of_a_name_that_no_request_could_have_is_named(self, value: str) -> None:
        message = complaint("TRUSTED_HOSTS", f"mill, {value}")
        assert message.startswith(f"HEADRACE_TRUSTED_HOSTS has {value!r}: write a name alone")

    @pytest.mark.parametrize("value", ["app.example", "https://app.example/", "https://app.example/chat", "*"])
    def test_of_an_origin_that_no_browser_sends_is_named(self, value: str) -> None:
        message = complaint("CORS_ORIGINS", f"http://localhost:3000,{value}")
        assert message.startswith(f"HEADRACE_CORS_ORIGINS has {value!r}: write an origin as browsers send it")

    @pytest.mark.parametrize(("name", "value"), [("BIND", ""), ("BIND", None), ("BIND", 8000), ("MODEL", 7)])
    def test_of_a_text_is_named(self, name: str, value: Any) -> None:
        assert complaint(name, value).startswith(f"HEADRACE_{name} is {value!r}: it must be text")

    def test_of_a_model_without_its_provider_is_named(self) -> None:
        assert complaint("MODEL", "gpt-5") == "HEADRACE_MODEL is 'gpt-5': write it as provider/name."


def test_limits_are_those_of_the_settings() -> None:
    settings = Settings(heartbeat=1, first_token_timeout=2, stall_timeout=3, max_duration=4, client_timeout=5, buffer=6)
    limits = settings.limits()
    assert (limits.heartbeat, limits.first_token, limits.stall) == (1, 2, 3)
    assert (limits.duration, limits.client, limits.max_buffer_bytes) == (4, 5, 6)
