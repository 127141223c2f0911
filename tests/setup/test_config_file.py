"""The file of HEADRACE_CONFIG: what is read from it, and each mistake in it, told with file, table and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from flask_headrace import Settings
from flask_headrace.core.errors import ConfigurationError
from flask_headrace.providers.chat_request import ChatRequest, Message
from flask_headrace.providers.decoding.think_tags import DEFAULT_TAGS, ThinkTags
from flask_headrace.providers.passthrough import Passthrough
from flask_headrace.setup.config_file import Alias, Config, Upstream, read_config
from flask_headrace.setup.providers import build_registry
from flask_headrace.setup.think_tags import think_tags_problem
from flask_headrace.testing import check_answer
from tests.server.test_start_checks import start
from tests.support import upstream as upstreams
from tests.support.service import free_port

GOOD = """
[models.smart]
chain = ["acme/big", "open/small"]
weights = [9, 1.5]
context = { "acme/big" = 200000 }
continues = ["open/small"]
retries = 1
retry_budget = 20
first_token_timeout = 5
on_divergence = "fail"

[models.plain]
chain = ["acme/big"]

[upstreams.acme]
kind = "openai"
base_url = "https://acme.example/openai/deployments/x?api-version=1"
api_key_env = "ACME_KEY"
api_key_header = "api-key"
pass = "known"
refuse = ["web_search", "service_tier"]
state = true
think_tags = [["<|plan|>", "<|say|>"]]
think_in_prompt = ["r1"]

[upstreams.open]
kind = "anthropic"
base_url = "http://127.0.0.1:9"
"""
CHAIN = '[models.smart]\nchain = ["acme/big"]\n'
ACME = '[upstreams.acme]\nkind = "openai"\nbase_url = "http://127.0.0.1:9/v1"\n'


@pytest.fixture(autouse=True)
def nothing_set_up(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "OPENAI_API_KEY",
        "OPENAI_BASE_URL",
        "ANTHROPIC_API_KEY",
        "ANTHROPIC_AUTH_TOKEN",
        "ANTHROPIC_BASE_URL",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ACME_KEY", "acme-key-0123")
    monkeypatch.setenv("SPOILED_KEY", "acme-key-0123\n")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "headrace.toml"


def settings(path: Path, text: str, **others: object) -> Settings:
    path.write_text(text)
    return Settings.from_mapping({"HEADRACE_CONFIG": str(path), "HEADRACE_EMBEDDED": "0", **others})


def test_it_is_read_as_a_whole(path: Path) -> None:
    path.write_text(GOOD)
    config = read_config(str(path))
    assert config.models["smart"] == Alias(
        chain=("acme/big", "open/small"),
        weights=(9, 1.5),
        context={"acme/big": 200000},
        continues=("open/small",),
        retries=1,
        retry_budget=20,
        first_token_timeout=5,
        on_divergence="fail",
    )
    assert config.models["plain"] == Alias(chain=("acme/big",))
    assert config.upstreams["open"] == Upstream("anthropic", "http://127.0.0.1:9")
    assert list(config.upstreams) == ["acme", "open"]


def test_without_one_there_is_nothing() -> None:
    assert read_config(None) == Config()


def test_it_becomes_chains_whose_models_share_what_is_known_of_them(path: Path) -> None:
    found = build_registry(settings(path, GOOD, HEADRACE_FIRST_TOKEN_TIMEOUT="3"))
    smart, name = found.resolve("smart")
    assert (name, found.model_id(smart, name)) == ("smart", "smart")
    first, second = smart.chain
    assert (first.model, first.weight, first.context_window, first.supports_prefill) == ("acme/big", 9, 200000, False)
    assert (second.model, second.weight, second.context_window, second.supports_prefill) == (
        "open/small",
        1.5,
        None,
        True,
    )
    plain, _ = found.resolve("plain")
    assert plain.chain[0].breaker is first.breaker
    assert plain.chain[0].provider is first.provider
    assert smart._policy.first_token_timeout == smart._policy.last_first_token_timeout == 3
    assert set(found.circuit_breakers()) == {"acme/big", "open/small"}


def test_its_upstreams_know_what_of_their_clients_requests_they_receive(path: Path) -> None:
    found = build_registry(settings(path, GOOD))
    providers = {name: found.resolve(f"{name}/x")[0] for name in ("acme", "open")}
    assert providers["acme"].passthrough == Passthrough(False, ("web_search", "service_tier"), True)
    assert providers["open"].passthrough == Passthrough()
    assert (providers["acme"].family, providers["open"].family) == ("openai-chat", "anthropic")


def test_its_upstreams_know_the_tags_of_thoughts(path: Path) -> None:
    quiet = ACME.replace("acme", "quiet").replace('"openai"', '"openai-responses"') + "think_tags = []\n"
    found = build_registry(settings(path, GOOD + quiet))
    tags = {name: found.resolve(f"{name}/x")[0]._think_tags for name in ("acme", "open", "quiet")}
    assert tags["acme"] == ThinkTags((("<|plan|>", "<|say|>"),), ("r1",))
    assert tags["open"] == ThinkTags()
    assert tags["quiet"] == ThinkTags(())


def test_the_usual_tags_are_tags_that_it_may_name() -> None:
    assert think_tags_problem(DEFAULT_TAGS) is None


def test_its_upstreams_take_the_place_of_those_of_the_environment(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0123456")
    found = build_registry(settings(path, ACME.replace("acme", "openai") + ACME))
    assert repr(found) == "<ModelRegistry of openai, acme>"
    assert found.resolve("openai/x")[0].pricing_provider == "http://127.0.0.1:9/v1"


def test_a_chain_is_not_retried_by_the_sdks_as_well(path: Path) -> None:
    found = build_registry(settings(path, CHAIN + ACME, HEADRACE_MAX_RETRIES="2"))
    assert found.resolve("acme/big")[0]._max_retries == 2
    assert found.resolve("smart")[0].chain[0].provider._max_retries == 0


@pytest.mark.parametrize("where", ["the file", "the environment"])
def test_what_an_address_carries_is_sent_with_each_request(
    path: Path, monkeypatch: pytest.MonkeyPatch, upstream: upstreams.Upstream, where: str
) -> None:
    upstream.answer("carried", upstreams.openai_wire.answer("ok"))
    address = upstream.url.replace("://", "://us%40er:pass@") + "/v1/?api-version=1&x=1&x=2"
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0123456")
    if where == "the environment":
        monkeypatch.setenv("OPENAI_BASE_URL", address)
    table = f'[upstreams.openai]\nkind = "openai"\nbase_url = "{address}"\n' if where == "the file" else ""
    provider, name = build_registry(settings(path, table)).resolve("openai/carried")
    check_answer(provider.stream(ChatRequest(name, (Message("user", "hi"),))))
    asked = upstream.requests("carried")[-1]
    assert asked.path == "/v1/chat/completions?api-version=1&x=1&x=2"
    assert asked.headers["authorization"] == "Basic dXNAZXI6cGFzcw=="
    assert provider.pricing_provider == upstream.url + "/v1"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("OPENAI_API_KEY", "sk-test-0123\n"),
        ("OPENAI_API_KEY", " sk-test-0123"),
        ("ANTHROPIC_API_KEY", "sk-tést-0123"),
        ("ANTHROPIC_AUTH_TOKEN", "token\r\nX-More: 1"),
        ("OPENAI_BASE_URL", "localhost:11434/v1"),
        ("OPENAI_BASE_URL", "http://127.0.0.1:99999/v1"),
        ("ANTHROPIC_BASE_URL", "http://[::1"),
    ],
)
def test_a_mistake_in_the_environment_is_told_without_what_is_secret(
    path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError, match=f"^{variable} is ") as raised:
        build_registry(settings(path, ""))
    assert value.strip() not in raised.value.message


MISTAKES = [
    ("models = 3", "models is 3: write it as tables, such as [models.name]."),
    ("model.x = 1", "model is no table of this file: there are [models.…] and [upstreams.…]"),
    ("[models.smart", "is not TOML: "),
    ("[models]\nsmart = 1", "models holds 'smart': it holds tables alone"),
    ('[models."a/b"]\nchain = ["acme/big"]', "models holds 'a/b'"),
    ("[models.smart]", "in [models.smart], chain is missing."),
    (CHAIN + "retrys = 1", "in [models.smart], retrys is no key: did you mean retries?"),
    (CHAIN + "zzz = 1", "in [models.smart], zzz is no key: there are chain, weights, "),
    (CHAIN + "retries = -1", "in [models.smart], retries is -1: it must be int >= 0."),
    (CHAIN + 'retries = "two"', "in [models.smart], retries is 'two': it must be int, got str."),
    (CHAIN + "retry_budget = 0", "in [models.smart], retry_budget is 0: it must be float > 0"),
    (CHAIN + 'on_divergence = "stop"', "in [models.smart], on_divergence is 'stop': it must be restart or fail."),
    (CHAIN + "retry_budget = inf", "in [models.smart], retry_budget is inf: it must be float <= "),
    (ACME + 'capabilities = { m = ["magic"] }', "must be image_input or pdf_input or reasoning or"),
    (ACME + "context = { m = 0 }", "in [upstreams.acme], context is {'m': 0}: it must be int >= 1."),
    (CHAIN + "weights = [nan]", "in [models.smart], weights is [nan]: it must be float >= 0"),
    (CHAIN + "weights = [0]", "in [models.smart], weights are all 0"),
    (CHAIN + "weights = [1, 2]", "in [models.smart], weights has 2 numbers: one for each of 1 models."),
    (CHAIN + 'context = { "x/y" = 9 }', "in [models.smart], context names 'x/y', which is not in the chain."),
    (CHAIN + 'continues = ["x/y"]', "in [models.smart], continues names 'x/y', which is not in the chain."),
    ("[models.smart]\nchain = []", "in [models.smart], chain is empty"),
    ('[models.smart]\nchain = ["smart"]', "in [models.smart], chain names 'smart': write models as provider/name."),
    ('[models.smart]\nchain = ["a/b", "a/b"]', "in [models.smart], chain names 'a/b' twice"),
    ('[models.smart]\nchain = ["nobody/x"]\n' + ACME, "chain names 'nobody/x', and no provider 'nobody' is set up"),
    ("[upstreams.acme]\nkind = 'openai'", "in [upstreams.acme], base_url is missing."),
    (
        ACME.replace("openai", "grpc"),
        "in [upstreams.acme], kind is 'grpc': it must be one of openai, openai-responses, anthropic",
    ),
    (ACME.replace("http:", "ftp:"), "in [upstreams.acme], base_url is no address"),
    (ACME.replace("127.0.0.1", "["), "in [upstreams.acme], base_url is no address"),
    (ACME.replace(":9", ":99999"), "in [upstreams.acme], base_url is no address"),
    (ACME.replace(":9", ":port"), "in [upstreams.acme], base_url is no address"),
    (ACME.replace("127.0.0.1", "acme example"), "in [upstreams.acme], base_url is no address"),
    (ACME.replace("127.0.0.1", "acme..example"), "in [upstreams.acme], base_url is no address"),
    (ACME + 'api_key_env = "SPOILED_KEY"', "api_key_env is SPOILED_KEY, a variable with something around its key"),
    (ACME + 'api_key_env = "ACME_KEY"\napi_key_header = "a b"', "api_key_header is 'a b': no header has such a name."),
    (ACME + 'api_key_env = "NO_SUCH"', "in [upstreams.acme], api_key_env is NO_SUCH, a variable that is not set."),
    (
        ACME + 'think_tags = "off"',
        """in [upstreams.acme], think_tags is 'off': write it as pairs of tags, such as [["<think>", "</think>"]]""",
    ),
    (ACME + 'think_tags = ["<a>", "</a>"]', "think_tags is ['<a>', '</a>']: write it as pairs of tags"),
    (ACME + 'think_tags = [["<a>"]]', "think_tags is [['<a>']]: write it as pairs of tags"),
    (ACME + 'think_tags = [["<a>", ""]]', "in [upstreams.acme], think_tags names '': a tag has 2 to 64 characters"),
    (ACME + 'think_tags = [["<a> ", "</a>"]]', "think_tags names '<a> ': a tag has 2 to 64 characters, and no white"),
    (ACME + f'think_tags = [["{"<" * 65}", "</a>"]]', "a tag has 2 to 64 characters"),
    (ACME + 'think_tags = [["<a>", "<a>"]]', "think_tags names '<a>' and '<a>': no tag may begin with another"),
    (ACME + 'think_tags = [["<a", "</a>"], ["<A>", "</b>"]]', "names '<a' and '<A>': no tag may begin with another"),
    (ACME + 'think_in_prompt = "r1"', "think_in_prompt is 'r1': write it as a list of models"),
    (ACME + 'think_tags = []\nthink_in_prompt = ["r1"]', "think_in_prompt is set, and think_tags is []: name the tags"),
    (ACME + 'pass = "some"', "in [upstreams.acme], pass is 'some': it must be known or all."),
    (ACME + 'passes = "all"', "in [upstreams.acme], passes is no key: did you mean pass?"),
    (ACME + 'refuse = "web_search"', "in [upstreams.acme], refuse is 'web_search': it must be array, got str."),
    (ACME + "state = 1", "in [upstreams.acme], state is 1: it must be bool, got int."),
    (ACME + 'api_key_header = "x"', "in [upstreams.acme], api_key_header is set, and api_key_env is not"),
]


@pytest.mark.parametrize(("text", "says"), MISTAKES, ids=[says for _, says in MISTAKES])
def test_a_mistake_is_told_with_file_table_and_key(path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        build_registry(settings(path, text))
    assert raised.value.message.startswith(str(path))
    assert says in raised.value.message


def test_a_file_that_is_not_there_is_told(path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"HEADRACE_CONFIG is .* cannot be read: No such file"):
        read_config(str(path))


def test_the_default_model_may_be_an_alias_of_it_and_nothing_unknown(path: Path) -> None:
    assert build_registry(settings(path, CHAIN + ACME, HEADRACE_MODEL="smart")).default_model() == "smart"
    with pytest.raises(ConfigurationError, match=r"HEADRACE_MODEL is 'clever'.*an alias of HEADRACE_CONFIG"):
        build_registry(settings(path, CHAIN + ACME, HEADRACE_MODEL="clever"))


def test_a_mistake_stops_the_start_with_one_sentence(path: Path) -> None:
    path.write_text(CHAIN + "retries = -1")
    code, output = start(HEADRACE_BIND=f"127.0.0.1:{free_port()}", HEADRACE_CONFIG=str(path))
    assert code != 0
    assert f"Headrace cannot start. {path}: in [models.smart], retries is -1" in output
    assert "Traceback" not in output
