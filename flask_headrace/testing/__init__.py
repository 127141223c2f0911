"""For the tests of an application: a provider that follows scripts, a reader of streams, and the contract of providers.

The pytest plugin of this package has the fixtures `headrace_provider`, a `FakeProvider` that answers every question of
the fixture `app`, and `read_stream`. `ProviderContract` needs pytest, and is imported when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .fake_provider import FakeProvider
from .script import Pause, ScriptItem, Silence
from .stream_reading import StreamReading, read_stream

if TYPE_CHECKING:
    from .provider_contract import ProviderContract, check_answer, check_beginning

__all__ = [
    "FakeProvider",
    "Pause",
    "ProviderContract",
    "ScriptItem",
    "Silence",
    "StreamReading",
    "check_answer",
    "check_beginning",
    "read_stream",
]

_IN_CONTRACT = {"ProviderContract", "check_answer", "check_beginning"}


def __getattr__(name: str) -> Any:  # noqa: ANN401  # a class or a function
    # A server that runs a FakeProvider need not have pytest.
    if name in _IN_CONTRACT:
        from . import provider_contract  # noqa: PLC0415

        return getattr(provider_contract, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
