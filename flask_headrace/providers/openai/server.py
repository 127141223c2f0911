"""The base of the providers that use OpenAI's SDK, for both of its APIs.

The SDK sends the request; the response's bytes are decoded here, to the fields that are used.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple
from urllib.parse import urlsplit

import httpx2

from ...core import exact_json
from ...core.events import Event
from ..chat_request import ChatRequest, Json
from ..decoding.opening_thoughts import opening_thoughts
from ..decoding.sse_stream import AnswerStream, StreamDecoder
from ..decoding.think_tags import ThinkTags
from ..http.hub_local import HubLocal
from ..http.request_overrides import NO_OVERRIDES, RequestOverrides
from ..http.request_template import post_stream, with_request_template
from ..http.sdk_errors import map_sdk_errors, parse_model_list
from ..http.sdk_import import import_sdk, import_sdk_in_this_thread
from ..http.transport import Client, Transport
from ..model_info import ModelInfo, preferred_first
from ..passthrough import Passthrough, source_for
from ..redaction import register_secret
from ..source_request import Family
from .chat_server import with_known_reasoning

if TYPE_CHECKING:
    from openai import OpenAI

OFFICIAL_BASE_URL = "https://api.openai.com/v1"
"""The SDK's default base URL."""

_NON_CHAT_MODELS = (
    "audio", "babbage", "computer-use", "dall-e", "davinci", "embedding", "image", "instruct", "moderation",
    "realtime", "search", "sora", "transcribe", "tts", "whisper",
)  # fmt: skip


class Address(NamedTuple):
    """The address of a server, its API key, and what is added to every request."""

    base_url: str
    api_key: str
    overrides: RequestOverrides = NO_OVERRIDES

    @property
    def is_official(self) -> bool:
        """Whether OpenAI's own models are served there: by OpenAI, or by Azure."""
        return _is_official(self.base_url)


@lru_cache(maxsize=64)
def _is_official(base_url: str) -> bool:
    return base_url == OFFICIAL_BASE_URL or (urlsplit(base_url).hostname or "").endswith(".openai.azure.com")


class OpenAIServer(ABC):
    """Base of the providers for OpenAI's APIs.

    Args:
        name: The part before the slash in the ids of the server's models.
        address: Returns the server's address; called for each request, since the embedded model's address changes.
        pricing_provider: The server's name in the price list, see `core.pricing`; None for the base URL.
        connect_timeout: Seconds to establish a connection.
        max_retries: How often the SDK sends a request again that failed before its first token.
        preferred: Names of models to list first, if the server has them.
        is_embedded: Whether this is the small model that runs on this machine.
        passthrough: See `Provider.passthrough`.
        think_tags: What is around the thoughts that open the text of an answer.
    """

    family: Family
    endpoint: ClassVar[str]
    """The path behind the base URL to which requests are sent."""

    def __init__(  # noqa: PLR0913  # a server's settings, given by name
        self,
        name: str,
        address: Callable[[], Address],
        *,
        pricing_provider: str | None = None,
        connect_timeout: float = 5.0,
        max_retries: int = 0,
        preferred: tuple[str, ...] = (),
        is_embedded: bool = False,
        passthrough: Passthrough = Passthrough(),  # noqa: B008  # immutable
        think_tags: ThinkTags = ThinkTags(),  # noqa: B008  # immutable
    ) -> None:
        self.name = name
        self.passthrough = passthrough
        self.is_embedded = is_embedded
        self._address = address
        self._pricing_provider = pricing_provider
        self._preferred = preferred
        self._think_tags = think_tags
        self._connect_timeout, self._max_retries = connect_timeout, max_retries
        self._clients = HubLocal(self._new_client, lambda client: client.close())

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    @property
    @abstractmethod
    def unsupported_features(self) -> frozenset[str]:
        """The request features that this server does not support; see `Provider.unsupported_features`."""

    @abstractmethod
    def _body(self, request: ChatRequest, address: Address) -> Json:
        """Return the body of the request to the server."""

    @abstractmethod
    def _decoder(self, request: ChatRequest) -> StreamDecoder:
        """Return a decoder for the answer to one request."""

    @property
    def pricing_provider(self) -> str:
        """The name or base URL under which the price list knows this server."""
        return self._pricing_provider or self._address().base_url

    def stream(self, request: ChatRequest) -> Iterator[list[Event]]:
        """Stream an answer; see `Provider.stream`."""
        import_sdk("openai")
        import openai  # noqa: PLC0415  # only loaded where it is used

        address = self._address()
        decoder = self._decoder(request)
        with map_sdk_errors(openai, self.name, address.base_url):
            thoughts = opening_thoughts(self._think_tags, request, is_official=address.is_official)
            with AnswerStream(self._send(request, address), self.name, decoder, thoughts) as answer:
                del request, address, decoder, thoughts  # a conversation may be large, and an answer may take long
                while (events := answer.read()) is not None:
                    yield events

    def _send(self, request: ChatRequest, address: Address) -> httpx2.Response:
        import openai  # noqa: PLC0415

        body, source = exact_json.encode(self._body(request, address)), source_for(request, self)
        headers = source.headers if source else ()
        return post_stream(self._clients.get(address), self.endpoint, body, openai.Stream[Any], headers)

    def models(self) -> list[str]:
        """Return the names of the server's models; see `Provider.models`."""
        return [model.name for model in self.list_models()]

    def list_models(self) -> list[ModelInfo]:
        """Return the server's models; see `ModelLister`."""
        import_sdk("openai")
        import openai  # noqa: PLC0415

        address = self._address()
        with map_sdk_errors(openai, self.name, address.base_url):
            client = self._clients.get(address).with_options(timeout=3.0, max_retries=0)
            found = parse_model_list(self.name, client.get("/models", cast_to=httpx2.Response))
        if address.base_url == OFFICIAL_BASE_URL:
            found = [model for model in found if not any(word in model.name for word in _NON_CHAT_MODELS)]
        if address.is_official:
            found = [with_known_reasoning(model) for model in found]
        return preferred_first(sorted(found, key=lambda model: model.name), self._preferred)

    def preload(self) -> None:
        """Import the SDK; see `Provider.preload`."""
        import_sdk_in_this_thread("openai")

    def health_check(self) -> None:
        """Return if the server has an address now; see `Provider.health_check`."""
        self._address()

    def _new_client(self, address: Address) -> OpenAI:
        import openai  # noqa: PLC0415

        register_secret(address.api_key)
        return with_request_template(openai.OpenAI)(
            base_url=address.base_url,
            api_key=address.api_key,
            http_client=Client(Transport(self._connect_timeout, ignore_proxy=self.is_embedded), address.overrides),
            max_retries=self._max_retries,
        )
