"""A provider for OpenAI's Responses API, and for the servers that speak it."""

from __future__ import annotations

from ..chat_request import ChatRequest, Json
from ..source_request import Family
from .responses_decoder import ResponseDecoder
from .responses_request_body import build_body
from .server import Address, OpenAIServer

UNSUPPORTED_BY_PROTOCOL = frozenset(
    {"audio", "seed", "stop", "frequency_penalty", "presence_penalty", "top_k", "thinking", "name"}
)
"""Request features that the Responses API cannot express."""


class OpenAIResponses(OpenAIServer):
    """A provider for one server that speaks the Responses API; see `OpenAIServer`.

    The server stores nothing: every request contains the whole conversation, as with all other providers.
    """

    family: Family = "openai-responses"
    endpoint = "/responses"

    @property
    def unsupported_features(self) -> frozenset[str]:
        """The request features that the API cannot express; see `Provider.unsupported_features`."""
        return UNSUPPORTED_BY_PROTOCOL

    def _body(self, request: ChatRequest, address: Address) -> Json:
        return build_body(request)

    def _decoder(self, request: ChatRequest) -> ResponseDecoder:
        return ResponseDecoder(self.name, request.model, self.pricing_provider)
