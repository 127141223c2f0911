"""What of a client's request reaches a provider: as it came, translated, left out, or refused. Pure.

To a provider of the client's own protocol family everything goes on. To others, fields without a counterpart are left
out and named; only what would change the meaning of the answer is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol, runtime_checkable

from msgspec.structs import replace

from ..core.data_url import data_url_media_type, document_text, is_text_document, titled_text
from ..core.errors import InvalidRequest
from .chat_request import ChatRequest, FilePart, Message, Part, TextPart
from .source_request import Family, SourceRequest

ESSENTIAL_FEATURES = frozenset({
    "audio", "file_urls", "files", "images", "response_format", "tool_choice", "tools",
})  # fmt: skip
"""Request features that the meaning of the answer depends on: a provider without them cannot answer the request."""

MAX_NAME_CHARS = 100
"""Characters that are kept of a name of what is left out: clients choose it, and it is stored with the stream."""

_DATA_FIELDS = frozenset({"arguments", "input", "input_schema", "parameters", "schema"})
"""Fields of tools and calls whose content is the application's: a `type` in them is no type of the protocol."""

_EFFORTS = ((4096, "low"), (16384, "medium"))
"""Reasoning efforts, with the largest budget of thinking tokens to which each corresponds; larger ones are `high`."""


class Passthrough(NamedTuple):
    """What an upstream accepts beyond what this package knows; see the file of HEADRACE_CONFIG.

    Args:
        passes_unknown: Whether fields that this package does not know are sent to it.
        refused: Names of fields, and of types of tools, parts and items, that are refused with an error.
        keeps_state: Whether clients may name a state that the upstream's server keeps, such as an earlier response.
    """

    passes_unknown: bool = True
    refused: tuple[str, ...] = ()
    keeps_state: bool = False


class Recipient(Protocol):
    """The members of a provider on which depends what of a request it receives."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def family(self) -> Family | None: ...  # noqa: D102
    @property
    def passthrough(self) -> Passthrough: ...  # noqa: D102
    @property
    def unsupported_features(self) -> frozenset[str]: ...  # noqa: D102


@runtime_checkable
class SharesFields(Protocol):
    """A provider that receives fields of a related protocol which have the same name and meaning in its own."""

    def shared_fields(self, family: Family) -> tuple[str, ...]:
        """Return the names of the fields of requests of a family; a `ChatRequest` does not contain them."""
        ...


def source_for(request: ChatRequest, provider: Recipient) -> SourceRequest | None:
    """Return the client's request if this provider receives what only its family knows; else None."""
    source = request.source
    if source is None or source.family != provider.family or not provider.passthrough.passes_unknown:
        return None
    return source


def missing_features(request: ChatRequest, provider: Recipient) -> list[str]:
    """Return the features that the request cannot do without and the provider lacks, sorted.

    A request of this service's own protocol can do without none: what it names, it gets. A provider that receives the
    request as the client sent it decides by itself.
    """
    if source_for(request, provider) is not None:
        return []
    missing = request.required_features() & provider.unsupported_features
    return sorted(missing if request.source is None else missing & ESSENTIAL_FEATURES)


def refusal(request: ChatRequest, provider: Recipient) -> str | None:
    """Return a sentence that says why a provider must not receive a request; None if it may.

    Features that the provider lacks are not considered; see `missing_features`.
    """
    source = request.source
    if source is None:
        return None
    passed = source_for(request, provider)
    if source.state and not (passed and provider.passthrough.keeps_state):
        return (
            f"{source.state[0]} names what a provider's server keeps, and {provider.name} is not asked to keep "
            "anything: send the whole conversation."
        )
    if source.essential and passed is None:
        return (
            f"{provider.name} cannot be sent {source.essential[0]}: omit it, or name a model of a provider of the "
            "same protocol."
        )
    if refused := next(_refused(source, provider.passthrough.refused), None):
        return f"{refused} is not allowed for models of {provider.name}: omit it."
    return None


def ignored(request: ChatRequest, provider: Recipient) -> tuple[str, ...]:
    """Return what of a request the provider does not receive, as paths for people; empty if nothing is left out.

    Long names are cut.
    """
    source = request.source
    if source is None:
        return ()
    missing = request.required_features() & provider.unsupported_features - ESSENTIAL_FEATURES
    if "thinking" in missing and "reasoning_effort" not in provider.unsupported_features:
        missing -= {"thinking"}  # translated
    shared = shared_fields(request, provider)
    unread = source.unread if source_for(request, provider) is None else ()
    return (*[name[:MAX_NAME_CHARS] for name in unread if name not in shared], *sorted(missing))


def shared_fields(request: ChatRequest, provider: object) -> dict[str, Any]:
    """Return the fields of a request of another protocol that a provider receives as the client sent them."""
    source = request.source
    if source is None or not isinstance(provider, SharesFields):
        return {}
    names = provider.shared_fields(source.family)
    return {name: source.fields[name] for name in names if source.fields.get(name) is not None}


def reduced(request: ChatRequest, provider: Recipient) -> ChatRequest:
    """Return a request without the features that it can do without and the provider lacks.

    `thinking` becomes the reasoning effort that corresponds to it. Documents that are text become texts for a provider
    that takes no files.

    Raises:
        InvalidRequest: the provider takes no files, and a document is text in another encoding than UTF-8.
    """
    if "files" in provider.unsupported_features:
        request = replace(request, messages=tuple([_with_texts(message) for message in request.messages]))
    missing = request.required_features() & provider.unsupported_features
    if request.source is None or not missing:
        return request
    defaults = {"stop": (), "tools": ()}
    fields: dict[str, Any] = {
        name: defaults.get(name) for name in missing - ESSENTIAL_FEATURES if name in request.__struct_fields__
    }
    if "thinking" in missing and "reasoning_effort" not in provider.unsupported_features:
        fields["reasoning_effort"] = request.reasoning_effort or effort_of(request.thinking)
    return replace(request, **fields)


def _with_texts(message: Message) -> Message:
    if isinstance(message.content, str) or not any(isinstance(part, FilePart) for part in message.content):
        return message
    return replace(message, content=tuple([_as_text(part) for part in message.content]))


def _as_text(part: Part) -> Part:
    if not isinstance(part, FilePart) or not is_text_document(part.url):
        return part
    if (text := document_text(part.url)) is None:
        raise InvalidRequest(
            f"The file {part.name or 'without a name'!r:.100} is text by its media type, "
            f"{data_url_media_type(part.url)!r:.100}, and is not in UTF-8: save it in UTF-8."
        )
    return TextPart(titled_text(part.name, text), part.cache_control)


def effort_of(thinking: dict[str, Any] | None) -> str | None:
    """Return the reasoning effort that corresponds to Anthropic's `thinking`; None if it leaves that to the model."""
    budget = (thinking or {}).get("budget_tokens")
    if (thinking or {}).get("type") != "enabled" or not isinstance(budget, int):
        return None
    return next((effort for limit, effort in _EFFORTS if budget <= limit), "high")


def _refused(source: SourceRequest, names: tuple[str, ...]) -> Iterator[str]:
    """Yield what of a request has one of these names: a field, a header, or a type of a tool, a part or an item.

    `web_search` stands for its versions and variants as well, such as `web_search_20250305` and `web_search_options`.
    """
    if not names:
        return
    # The names of headers have no case, and a provider may be lenient about that of types.
    is_refused = re.compile(rf"(?:{'|'.join(map(re.escape, names))})(?:_|\Z)", re.IGNORECASE).match
    for name in [*source.fields, *(header for header, _ in source.headers), *_types(source)]:
        if is_refused(name):
            yield name


def _types(source: SourceRequest) -> Iterator[str]:
    unseen: list[Any] = [source.fields.get("tools"), *(turn.values for turn in source.turns)]
    while unseen:
        value = unseen.pop()
        if isinstance(value, (list, tuple)):
            unseen += value
        elif isinstance(value, dict):
            if isinstance(kind := value.get("type"), str):
                yield kind
            unseen += [inner for name, inner in value.items() if name not in _DATA_FIELDS]
