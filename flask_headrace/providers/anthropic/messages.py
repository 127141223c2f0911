"""A provider for Anthropic's Messages API.

The official SDK sends the request; the response's bytes are decoded here, to the fields that are used.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import httpx2
import msgspec

from ...core import exact_json
from ...core.errors import UpstreamProtocolError
from ...core.events import MAX_TOKENS, Event
from ..chat_request import ChatRequest, Json
from ..decoding.opening_thoughts import opening_thoughts
from ..decoding.reasoning_recorder import ReasoningRecorder
from ..decoding.sse_stream import AnswerStream, StreamDecoder
from ..decoding.think_tags import ThinkTags
from ..decoding.usage import normalize_integers
from ..http.hub_local import HubLocal
from ..http.request_overrides import NO_OVERRIDES, RequestOverrides
from ..http.request_template import post_stream, with_request_template
from ..http.sdk_errors import map_sdk_errors, parse_model_list
from ..http.sdk_import import import_sdk, import_sdk_in_this_thread
from ..http.transport import Client, Transport
from ..model_info import ModelInfo, preferred_first
from ..passthrough import Passthrough, source_for
from ..reasoning_state import with_reasoning_parts
from ..redaction import register_secret
from ..source_request import Family, SourceRequest
from .decoder import MessageDecoder
from .json_output import answer_tool_name
from .request_body import build_body, build_source_body, countable_fields, has_own_format
from .source_decoder import SourceMessageDecoder

if TYPE_CHECKING:
    from anthropic import Anthropic


TOKEN_COUNT_TIMEOUT = 30.0
"""Seconds after which a request to count tokens is given up."""


class _TokenCount(msgspec.Struct):
    input_tokens: Annotated[int, msgspec.Meta(ge=0, le=MAX_TOKENS)]


class AnthropicMessages:
    """A provider for one server that speaks Anthropic's Messages API.

    Args:
        name: The part before the slash in the ids of its models.
        base_url: The server's address; None for the SDK's environment variable or default.
        api_key: The API key; None for the SDK's environment variables.
        connect_timeout: Seconds to establish a connection.
        max_retries: How often the SDK sends a request again that failed before its first token.
        preferred: Names of models to list first, if the server has them.
        overrides: Headers and query parameters that are added to every request.
        passthrough: See `Provider.passthrough`.
        think_tags: What is around the thoughts that open the text of an answer.
    """

    is_embedded = False
    family: Family = "anthropic"
    unsupported_features = frozenset({"audio", "seed", "frequency_penalty", "presence_penalty", "verbosity", "name"})

    def __init__(  # noqa: PLR0913  # a server's settings, given by name
        self,
        name: str = "anthropic",
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        connect_timeout: float = 5.0,
        max_retries: int = 0,
        preferred: tuple[str, ...] = (),
        overrides: RequestOverrides = NO_OVERRIDES,
        passthrough: Passthrough = Passthrough(),  # noqa: B008  # immutable
        think_tags: ThinkTags = ThinkTags(),  # noqa: B008  # immutable
    ) -> None:
        self.name = name
        self.passthrough = passthrough
        self.pricing_provider = base_url or "https://api.anthropic.com"
        self._base_url, self._api_key = base_url, api_key
        self._connect_timeout, self._max_retries = connect_timeout, max_retries
        self._preferred, self._overrides, self._think_tags = preferred, overrides, think_tags
        self._clients = HubLocal(self._new_client, lambda client: client.close())
        self._models_without_forced_tools: set[str] = set()  # models that have rejected a forced tool call

    def __repr__(self) -> str:
        return f"<AnthropicMessages {self.name}>"

    def stream(self, request: ChatRequest) -> Iterator[list[Event]]:
        """Stream an answer; see `Provider.stream`."""
        import_sdk("anthropic")
        import anthropic  # noqa: PLC0415  # only loaded where it is used

        with map_sdk_errors(anthropic, self.name, self.pricing_provider):
            thoughts = opening_thoughts(self._think_tags, request, is_official=self._is_official)
            with AnswerStream(*self._send_request(request), thoughts) as answer:
                del request, thoughts  # a conversation may be large, and an answer may take long
                while (events := answer.read()) is not None:
                    yield events

    @property
    def _is_official(self) -> bool:
        """Whether the server is Anthropic's own."""
        return f".{urlsplit(self.pricing_provider).hostname}".endswith(".anthropic.com")

    def _send_request(self, request: ChatRequest) -> tuple[httpx2.Response, str, StreamDecoder]:
        import anthropic  # noqa: PLC0415

        source = source_for(request, self)
        may_force = request.model not in self._models_without_forced_tools and not has_own_format(request, source)
        tool = answer_tool_name(request, may_force=may_force)
        try:
            response = self._send(request, source, tool)
        except anthropic.BadRequestError as error:
            if tool is None or "tool_choice" not in str(error.body):
                raise
            self._models_without_forced_tools.add(request.model)
            tool = None
            response = self._send(request, source, None)
        return response, self.name, self._decoder(request, source, tool)

    def _decoder(self, request: ChatRequest, source: SourceRequest | None, answer_tool: str | None) -> StreamDecoder:
        decoder_class = MessageDecoder if source is None else SourceMessageDecoder
        decoder = decoder_class(self.name, request.model, self.pricing_provider, answer_tool)
        if request.source is not None:
            return decoder
        return ReasoningRecorder(decoder, self.family, self.name, request.model)

    def _send(self, request: ChatRequest, source: SourceRequest | None, answer_tool: str | None) -> httpx2.Response:
        import anthropic  # noqa: PLC0415

        return post_stream(
            self._clients.get(None),
            "/v1/messages",
            exact_json.encode(self._body(request, source, answer_tool)),
            anthropic.Stream[Any],
            () if source is None else source.headers,
        )

    def _body(self, request: ChatRequest, source: SourceRequest | None, answer_tool: str | None = None) -> Json:
        request = with_reasoning_parts(request, self.family, self.name)
        is_anthropics = "anthropic.com" in self.pricing_provider or "claude" in request.model.lower()
        if source is None:
            return build_body(request, answer_tool, keeps_unsigned=not is_anthropics)
        return build_source_body(request, source, answer_tool, keeps_unsigned=not is_anthropics)

    def models(self) -> list[str]:
        """Return the names of the server's models; see `Provider.models`."""
        return [model.name for model in self.list_models()]

    def list_models(self) -> list[ModelInfo]:
        """Return the server's models; see `ModelLister`."""
        import_sdk("anthropic")
        import anthropic  # noqa: PLC0415

        with map_sdk_errors(anthropic, self.name, self.pricing_provider):
            client = self._clients.get(None).with_options(timeout=3.0, max_retries=0)
            response = client.get("/v1/models", options={"params": {"limit": 100}}, cast_to=httpx2.Response)
            return preferred_first(parse_model_list(self.name, response), self._preferred)

    def count_tokens(self, request: ChatRequest) -> int:
        """Return the number of input tokens of a request; see `TokenCounter`."""
        import_sdk("anthropic")
        import anthropic  # noqa: PLC0415

        source = source_for(request, self)
        headers = {"Content-Type": "application/json", **dict(() if source is None else source.headers)}
        with map_sdk_errors(anthropic, self.name, self.pricing_provider):
            client = self._clients.get(None).with_options(timeout=TOKEN_COUNT_TIMEOUT)
            response = client.post(
                "/v1/messages/count_tokens",
                content=exact_json.encode(countable_fields(self._body(request, source))),
                options={"headers": headers},
                cast_to=httpx2.Response,
            )
            return self._parse_token_count(response)

    def _parse_token_count(self, response: httpx2.Response) -> int:
        try:
            return msgspec.convert(normalize_integers(msgspec.json.decode(response.content)), _TokenCount).input_tokens
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise UpstreamProtocolError(
                f"{self.name} did not answer with a number of tokens. Check its base URL."
            ) from error

    def preload(self) -> None:
        """Import the SDK; see `Provider.preload`."""
        import_sdk_in_this_thread("anthropic")

    def health_check(self) -> None:
        """Return at once: this provider is only set up if it has a key; see `Provider.health_check`."""

    def _new_client(self, _address: None) -> Anthropic:
        import anthropic  # noqa: PLC0415

        client = with_request_template(anthropic.Anthropic)(
            base_url=self._base_url,
            api_key=self._api_key,
            http_client=Client(Transport(self._connect_timeout), self._overrides),
            max_retries=self._max_retries,
        )
        register_secret(client.api_key)
        register_secret(client.auth_token)
        return client
