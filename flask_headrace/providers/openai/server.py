"""A server that is asked through OpenAI's SDK, whichever of its interfaces it speaks.

The SDK sends the request; the answer's bytes are decoded by us, into just the fields that are used.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple
from urllib.parse import urlsplit

import httpx2
import msgspec

from ...core.events import Event
from ..chat_request import ChatRequest, Json
from ..decoding.sse_stream import Decoder, events_of
from ..http.hub_local import HubLocal
from ..http.request_overrides import NO_OVERRIDES, RequestOverrides
from ..http.request_template import post_stream, with_request_template
from ..http.sdk_errors import map_sdk_errors, parse_model_list
from ..http.sdk_import import import_sdk, import_sdk_in_this_thread
from ..http.transport import Client, Transport
from ..redaction import keep_secret

if TYPE_CHECKING:
    from openai import OpenAI

OFFICIAL = "https://api.openai.com/v1"
"""The base URL that the SDK uses by itself."""

_NOT_FOR_CHAT = (
    "audio", "babbage", "computer-use", "dall-e", "davinci", "embedding", "image", "instruct", "moderation",
    "realtime", "search", "sora", "transcribe", "tts", "whisper",
)  # fmt: skip


class Address(NamedTuple):
    """Where a server is and what it wants to see."""

    base_url: str
    api_key: str
    overrides: RequestOverrides = NO_OVERRIDES

    @property
    def is_openais(self) -> bool:
        """Whether OpenAI's own models answer there: at OpenAI, or at Azure."""
        return self.base_url == OFFICIAL or (urlsplit(self.base_url).hostname or "").endswith(".openai.azure.com")


class OpenAIServer(ABC):
    """What the providers of OpenAI's interfaces have in common.

    Args:
        name: What stands before the slash in its models' names.
        address: Called for each request, since the embedded model moves when it is restarted.
        pricing_provider: See `streaming.prices`; the base URL of the address where left out.
        connect_timeout: Seconds.
        retries: How often the SDK asks again before the first token.
        preferred: The models to name first, where the server has them.
        is_embedded: Whether this is the small model on this machine.
    """

    endpoint: ClassVar[str]
    """The path behind the base URL that is asked."""

    def __init__(  # noqa: PLR0913  # a server's settings, given by name
        self,
        name: str,
        address: Callable[[], Address],
        *,
        pricing_provider: str | None = None,
        connect_timeout: float = 5.0,
        retries: int = 0,
        preferred: tuple[str, ...] = (),
        is_embedded: bool = False,
    ) -> None:
        self.name = name
        self.is_embedded = is_embedded
        self._address = address
        self._price_list = pricing_provider
        self._preferred = preferred
        self._connect_timeout, self._retries = connect_timeout, retries
        self._clients = HubLocal(self._new_client, lambda client: client.close())

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    @property
    @abstractmethod
    def unsupported_features(self) -> frozenset[str]:
        """What questions must not ask of this server; see `Provider.unsupported_features`."""

    @abstractmethod
    def _body(self, request: ChatRequest, address: Address) -> Json:
        """Write a question as the body of a request."""

    @abstractmethod
    def _decoder(self, request: ChatRequest) -> Decoder:
        """Make what reads the answer to a question."""

    @property
    def pricing_provider(self) -> str:
        """By which name the price list knows this server."""
        return self._price_list or self._address().base_url

    def stream(self, request: ChatRequest) -> Iterator[list[Event]]:
        """Ask for an answer; see `Provider.stream`."""
        import_sdk("openai")
        import openai  # noqa: PLC0415  # for those alone who use it

        address = self._address()
        decoder = self._decoder(request)
        with map_sdk_errors(openai, self.name, address.base_url):
            yield from events_of(self._send(self._body(request, address), address), self.name, decoder)

    def _send(self, body: Json, address: Address) -> httpx2.Response:
        import openai  # noqa: PLC0415

        return post_stream(self._clients.get(address), self.endpoint, msgspec.json.encode(body), openai.Stream[Any])

    def models(self) -> list[str]:
        """Ask the server which models it has; see `Provider.models`."""
        import_sdk("openai")
        import openai  # noqa: PLC0415

        address = self._address()
        with map_sdk_errors(openai, self.name, address.base_url):
            client = self._clients.get(address).with_options(timeout=3.0, max_retries=0)
            found = sorted(parse_model_list(self.name, client.get("/models", cast_to=httpx2.Response)))
        if address.base_url == OFFICIAL:
            found = [name for name in found if not any(word in name for word in _NOT_FOR_CHAT)]
        first = [name for name in self._preferred if name in found]
        return first + [name for name in found if name not in first]

    def preload(self) -> None:
        """Import the SDK; see `Provider.preload`."""
        import_sdk_in_this_thread("openai")

    def health_check(self) -> None:
        """Return if there is an address to ask; see `Provider.check`."""
        self._address()

    def _new_client(self, address: Address) -> OpenAI:
        import openai  # noqa: PLC0415

        keep_secret(address.api_key)
        return with_request_template(openai.OpenAI)(
            base_url=address.base_url,
            api_key=address.api_key,
            http_client=Client(Transport(self._connect_timeout, ignore_proxy=self.is_embedded), address.overrides),
            max_retries=self._retries,
        )
