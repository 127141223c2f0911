"""OpenAI's Responses API, and the servers that speak it."""

from __future__ import annotations

from ..chat_request import ChatRequest, Json
from .responses_decoder import ResponseDecoder
from .responses_request_body import build_body
from .server import Address, OpenAIServer


class OpenAIResponses(OpenAIServer):
    """A server that speaks the Responses API; see `OpenAIServer`.

    The server is told to keep nothing: a conversation is sent whole each time, as to every other provider.
    """

    endpoint = "/responses"
    unsupported_features = frozenset(
        {"seed", "stop", "frequency_penalty", "presence_penalty", "top_k", "thinking", "name"}
    )
    """What the protocol has no word for."""

    def _body(self, request: ChatRequest, address: Address) -> Json:
        return build_body(request)

    def _decoder(self, request: ChatRequest) -> ResponseDecoder:
        return ResponseDecoder(self.name, request.model, self.pricing_provider)
