"""Providers of an application's own, which need no more than a name and one method."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any, Protocol, TypeAlias, runtime_checkable

from ..streaming.errors import ConfigurationError
from ..streaming.events import Cancelled, Done, Event, Failed, Note, Started, TextDelta, Usage
from .base import Provider
from .request import ChatRequest

Piece: TypeAlias = str | Event | list[Event] | Note
"""What a generator of an application's yields: text, an event, or several at once."""


@runtime_checkable
class OwnProvider(Protocol):
    """The least that a provider is; all else that a `Provider` has may be there, or be left out."""

    @property
    def name(self) -> str: ...  # noqa: D102

    def stream(self, request: ChatRequest) -> Iterable[Piece]:
        """Ask for an answer and yield it piece by piece. Its end is a `Done`, or simply the end of the iteration.

        Raises:
            UpstreamError: the model could not be asked, refused, or broke off; in a chain, the next one takes over.
        """
        ...


class Adopted:
    """An application's provider, with what it has left out filled in.

    Args:
        own: The application's.

    Raises:
        ConfigurationError: it is none, or its name cannot stand before a slash.
    """

    def __init__(self, own: OwnProvider) -> None:
        if isinstance(own, type) or not isinstance(own, OwnProvider):
            raise ConfigurationError(f"{own!r:.200} is no provider: it needs a `name` and a method `stream(request)`.")
        if not isinstance(own.name, str) or not own.name or "/" in own.name:
            raise ConfigurationError(f"A provider's name is {own.name!r}: it must be text without a slash.")
        self._own = own
        self.name = own.name
        self.price_list: str = getattr(own, "price_list", own.name)
        self.is_embedded = False
        self.unsupported = _fields_of(own)

    def __repr__(self) -> str:
        return f"<Adopted {self._own!r}>"

    def stream(self, request: ChatRequest) -> Iterator[list[Event] | Note]:
        """Ask for an answer; see `Provider.stream`."""
        return batches_of(self._own.stream(request))

    def models(self) -> list[str]:
        """Return its models; one of its own name, where it does not tell."""
        told = self._call("models", [self.name])
        names = list(told)
        if isinstance(told, str) or not all(isinstance(name, str) and name for name in names):
            raise TypeError(f"{self.name}.models() must return the names of its models, not {told!r:.200}")
        return names

    def warm_up(self) -> None:
        """Let it import what it needs."""
        self._call("warm_up", None)

    def check(self) -> None:
        """Return if it can be asked now."""
        self._call("check", None)

    def _call(self, method: str, default: Any) -> Any:  # noqa: ANN401  # whatever that method returns
        own = getattr(self._own, method, None)
        return default if own is None else own()


def _fields_of(own: OwnProvider) -> frozenset[str]:
    unsupported = getattr(own, "unsupported", ())
    known = {*ChatRequest.__struct_fields__[2:], "images", "name"}
    if isinstance(unsupported, str) or not isinstance(unsupported, Collection) or not known.issuperset(unsupported):
        raise ConfigurationError(
            f"{own.name}.unsupported is {unsupported!r:.200}: it must be a set of fields of a question, such as "
            f"{', '.join(sorted(known))}."
        )
    return frozenset(unsupported)


def adopted(own: OwnProvider) -> Provider:
    """Return an application's provider as one that has all there is; it itself, where it has."""
    return own if isinstance(own, Provider) else Adopted(own)


def batches_of(source: Iterable[Piece]) -> Iterator[list[Event] | Note]:
    """Yield what an application's generator does, as a provider would; close it at the end, whichever that is.

    Raises:
        TypeError, ValueError: it yields something else.
    """
    try:
        for piece in source:
            batch = _batch_of(piece)
            yield batch
            if isinstance(batch, list) and batch and isinstance(batch[-1], (Done, Failed, Cancelled)):
                return
        yield [Done("stop")]
    finally:
        close = getattr(source, "close", None)
        if close is not None:
            close()


def _batch_of(piece: Piece) -> list[Event] | Note:
    if isinstance(piece, Note):
        return piece
    if isinstance(piece, str):
        return [TextDelta(piece)]
    batch = piece if isinstance(piece, list) else [piece]
    for event in batch:
        if not isinstance(event, Event) or isinstance(event, Started):
            raise TypeError(f"a stream's source yields text and events other than Started, not {event!r:.200}")
        if isinstance(event, Usage) and min(event.input_tokens, event.output_tokens, event.cost or 0) < 0:
            raise ValueError(f"a Usage counts from 0 on, and this one does not: {event}")
    return batch
