"""The kinds of upstream, each with a model of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from tests.support.service import Service
from tests.support.upstream import Upstream, anthropic_wire, openai_wire, responses_wire


@dataclass(frozen=True)
class Kind:
    """A kind of upstream.

    Attributes:
        name: The name of the upstream in the service's TOML file.
        kind: Its `kind` there.
        path: What its base URL has after the address.
        wire: Its API.
        known_as: The model's name at the upstream.
        api: The protocol that a client who has the choice uses: chat, responses or messages.
    """

    name: str
    kind: str
    path: str
    wire: ModuleType
    known_as: str
    api: str

    @property
    def model(self) -> str:
        """The model's name at the service."""
        return f"{self.name}/{self.known_as}"

    def table(self, url: str) -> str:
        """Return its table in the TOML file."""
        return (
            f'[upstreams.{self.name}]\nkind = "{self.kind}"\nbase_url = "{url}{self.path}"\napi_key_env = "ACME_KEY"\n'
        )


CHAT = Kind("openai", "openai", "/v1", openai_wire, "gpt-5-mini", "chat")
RESPONSES = Kind("acme", "openai-responses", "/v1", responses_wire, "gpt-5.4", "responses")
ANTHROPIC = Kind("anthropic", "anthropic", "", anthropic_wire, "claude-opus-4-7", "messages")
KINDS = (CHAT, RESPONSES, ANTHROPIC)


def configuration(url: str, aliases: Mapping[str, Kind]) -> str:
    """Return the service's TOML file for an upstream, with other names for the models of some kinds."""
    tables = [kind.table(url) for kind in KINDS]
    return "".join([*tables, *(f'[models."{name}"]\nchain = ["{kind.model}"]\n' for name, kind in aliases.items())])


def serving(upstream: Upstream, folder: Path, aliases: Mapping[str, Kind]) -> Service:
    """Return a service with an upstream of each kind, all played by `upstream`."""
    file = folder / "headrace.toml"
    file.write_text(configuration(upstream.url, aliases))
    return Service(HEADRACE_CONFIG=str(file), HEADRACE_MODEL=CHAT.model, ACME_KEY="sk-test-0123456789")
