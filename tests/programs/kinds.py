"""The kinds of upstream, each with a model of its own."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

from tests.support.upstream import anthropic_wire, openai_wire, responses_wire


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
ALIASES = {"gpt-5.5": CHAT, "gpt-5.6-sol": RESPONSES, "gpt-5.6-luna": ANTHROPIC, "claude-opus-4-7": ANTHROPIC}
"""Names that programs know, and the kind of upstream whose model the service has under each."""


def configuration(url: str) -> str:
    """Return the service's TOML file for an upstream."""
    aliases = [f'[models."{name}"]\nchain = ["{kind.model}"]\n' for name, kind in ALIASES.items()]
    return "".join([*(kind.table(url) for kind in KINDS), *aliases])
