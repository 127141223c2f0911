"""A provider for OpenAI's Responses API, and for the servers that speak it."""

from __future__ import annotations

from ..chat_request import ChatRequest, Json
from ..decoding.reasoning_recorder import ReasoningRecorder
from ..decoding.sse_stream import StreamDecoder
from ..passthrough import shared_fields, source_for
from ..reasoning_state import with_reasoning_parts
from ..source_request import Family
from .responses_decoder import ResponseDecoder
from .responses_request_body import SHARED_WITH_CHAT, build_body
from .responses_source_decoder import SourceResponseDecoder
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
        source, shared = source_for(request, self), shared_fields(request, self)
        request = with_reasoning_parts(request, self.family, self.name)
        return build_body(request, source, shared, is_official=address.is_official)

    def shared_fields(self, family: Family) -> tuple[str, ...]:
        """Return the names of the fields that the API has in common with another; see `SharesFields`."""
        return SHARED_WITH_CHAT if family == "openai-chat" else ()

    def _decoder(self, request: ChatRequest) -> StreamDecoder:
        # Clients of other protocols have no place for what only this one has.
        decoder_class = ResponseDecoder if source_for(request, self) is None else SourceResponseDecoder
        decoder = decoder_class(self.name, request.model, self.pricing_provider)
        if request.source is not None:
            return decoder
        return ReasoningRecorder(decoder, self.family, self.name, request.model)
