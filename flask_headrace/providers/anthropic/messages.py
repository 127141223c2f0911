"""Anthropic's messages API.

The official SDK sends the request; the answer's bytes are decoded here, into just the fields that are used.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import httpx2
import msgspec

from ...core.errors import UpstreamProtocolError
from ...core.events import MAX_TOKENS, Event
from ..chat_request import ChatRequest, Json
from ..decoding.sse_stream import events_of
from ..decoding.usage import whole_numbers
from ..http.hub_local import HubLocal
from ..http.request_overrides import NO_OVERRIDES, RequestOverrides
from ..http.request_template import post_stream, with_request_template
from ..http.sdk_errors import map_sdk_errors, parse_model_list
from ..http.sdk_import import import_sdk, import_sdk_in_this_thread
from ..http.transport import Client, Transport
from ..redaction import keep_secret
from .decoder import MessageDecoder
from .json_output import answer_tool
from .request_body import body_of, count_body_of

if TYPE_CHECKING:
    from anthropic import Anthropic


COUNT_LIMIT = 30.0
"""Seconds in which the server must have counted a question's tokens."""


class _Count(msgspec.Struct):
    input_tokens: Annotated[int, msgspec.Meta(ge=0, le=MAX_TOKENS)]


class AnthropicMessages:
    """A server that speaks Anthropic's messages API.

    Args:
        name: What stands before the slash in its models' names.
        base_url: Its address; None for the SDK's own variable or default.
        api_key: Its key; None for the SDK's own variables.
        connect_timeout: Seconds.
        retries: How often the SDK asks again before the first token.
        preferred: The models to name first, where the server has them.
        overrides: What its requests carry beside what the SDK writes.
    """

    is_embedded = False
    unsupported_features = frozenset({"seed", "frequency_penalty", "presence_penalty", "verbosity", "name"})

    def __init__(  # noqa: PLR0913  # a server's settings, given by name
        self,
        name: str = "anthropic",
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        connect_timeout: float = 5.0,
        retries: int = 0,
        preferred: tuple[str, ...] = (),
        overrides: RequestOverrides = NO_OVERRIDES,
    ) -> None:
        self.name = name
        self.pricing_provider = base_url or "https://api.anthropic.com"
        self._base_url, self._api_key = base_url, api_key
        self._connect_timeout, self._retries = connect_timeout, retries
        self._preferred, self._overrides = preferred, overrides
        self._clients = HubLocal(self._new_client, lambda client: client.close())
        self._unforced: set[str] = set()  # models that have refused to be told which tool to call

    def __repr__(self) -> str:
        return f"<AnthropicMessages {self.name}>"

    def stream(self, request: ChatRequest) -> Iterator[list[Event]]:
        """Ask for an answer; see `Provider.stream`."""
        import_sdk("anthropic")
        import anthropic  # noqa: PLC0415  # for those alone who use it

        with map_sdk_errors(anthropic, self.name, self.pricing_provider):
            yield from events_of(*self._ask(request))

    def _ask(self, request: ChatRequest) -> tuple[httpx2.Response, str, MessageDecoder]:
        import anthropic  # noqa: PLC0415

        tool = answer_tool(request, may_force=request.model not in self._unforced)
        try:
            response = self._send(body_of(request, tool))
        except anthropic.BadRequestError as error:
            if tool is None or "tool_choice" not in str(error.body):
                raise
            self._unforced.add(request.model)
            tool = None
            response = self._send(body_of(request))
        return response, self.name, MessageDecoder(self.name, request.model, self.pricing_provider, tool)

    def _send(self, body: Json) -> httpx2.Response:
        import anthropic  # noqa: PLC0415

        return post_stream(self._clients.get(None), "/v1/messages", msgspec.json.encode(body), anthropic.Stream[Any])

    def models(self) -> list[str]:
        """Ask the server which models it has; see `Provider.models`."""
        import_sdk("anthropic")
        import anthropic  # noqa: PLC0415

        with map_sdk_errors(anthropic, self.name, self.pricing_provider):
            client = self._clients.get(None).with_options(timeout=3.0, max_retries=0)
            response = client.get("/v1/models", options={"params": {"limit": 100}}, cast_to=httpx2.Response)
            found = parse_model_list(self.name, response)
        first = [name for name in self._preferred if name in found]
        return first + [name for name in found if name not in first]

    def count_tokens(self, request: ChatRequest) -> int:
        """Have the server count a question's tokens; see `CountsTokens`."""
        import_sdk("anthropic")
        import anthropic  # noqa: PLC0415

        with map_sdk_errors(anthropic, self.name, self.pricing_provider):
            client = self._clients.get(None).with_options(timeout=COUNT_LIMIT)
            response = client.post(
                "/v1/messages/count_tokens",
                content=msgspec.json.encode(count_body_of(request)),
                options={"headers": {"Content-Type": "application/json"}},
                cast_to=httpx2.Response,
            )
            return self._counted(response)

    def _counted(self, response: httpx2.Response) -> int:
        try:
            return msgspec.convert(whole_numbers(msgspec.json.decode(response.content)), _Count).input_tokens
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise UpstreamProtocolError(
                f"{self.name} answered with something that is no count of tokens. Check its base URL."
            ) from error

    def preload(self) -> None:
        """Import the SDK; see `Provider.preload`."""
        import_sdk_in_this_thread("anthropic")

    def health_check(self) -> None:
        """Return: a key is set, or this provider would not be here; see `Provider.check`."""

    def _new_client(self, _address: None) -> Anthropic:
        import anthropic  # noqa: PLC0415

        client = with_request_template(anthropic.Anthropic)(
            base_url=self._base_url,
            api_key=self._api_key,
            http_client=Client(Transport(self._connect_timeout), self._overrides),
            max_retries=self._retries,
        )
        keep_secret(client.api_key)
        keep_secret(client.auth_token)
        return client
