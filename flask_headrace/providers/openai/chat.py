"""A provider for chat completions: OpenAI, and all compatible servers (vLLM, Ollama, llama.cpp, DeepSeek, …)."""

from __future__ import annotations

from ..chat_request import ChatRequest, Json
from ..passthrough import shared_fields, source_for
from ..reasoning_state import own_states
from ..source_request import Family
from .chat_decoder import ChatDecoder
from .chat_provider_fields import ProviderFieldsDecoder
from .chat_reasoning_fields import ReasoningFieldsDecoder
from .chat_request_body import SHARED_WITH_RESPONSES, build_body
from .server import Address, OpenAIServer

UNSUPPORTED_BY_PROTOCOL = frozenset({"thinking", "file_urls"})
"""Request features that chat completions cannot express."""

UNSUPPORTED_BY_OPENAI = UNSUPPORTED_BY_PROTOCOL | {"top_k"}
"""Those, and the features that OpenAI's own servers reject."""

UNSUPPORTED_BY_EMBEDDED = UNSUPPORTED_BY_PROTOCOL | {
    "audio", "files", "images", "name", "reasoning_effort", "verbosity", "user",
}  # fmt: skip
"""Those, and the features that the embedded model lacks."""


class OpenAIChat(OpenAIServer):
    """A provider for one server that speaks chat completions; see `OpenAIServer`."""

    family: Family = "openai-chat"
    endpoint = "/chat/completions"

    @property
    def unsupported_features(self) -> frozenset[str]:
        """The request features that this server does not support; see `Provider.unsupported_features`."""
        if self.is_embedded:
            return UNSUPPORTED_BY_EMBEDDED
        return UNSUPPORTED_BY_OPENAI if self._address().is_official else UNSUPPORTED_BY_PROTOCOL

    def _body(self, request: ChatRequest, address: Address) -> Json:
        source, shared = source_for(request, self), shared_fields(request, self)
        states = own_states(request, self.family, self.name) if self._takes_states() else {}
        return build_body(request, is_official=address.is_official, source=source, shared=shared, states=states)

    def shared_fields(self, family: Family) -> tuple[str, ...]:
        """Return the names of the fields that the API has in common with another; see `SharesFields`."""
        if family != "openai-responses" or self.is_embedded:
            return ()
        return SHARED_WITH_RESPONSES if self._address().is_official else ("service_tier",)

    def _decoder(self, request: ChatRequest) -> ChatDecoder:
        # Clients of other protocols have no place for what only this one has.
        decoder_class: type[ChatDecoder] = ChatDecoder if source_for(request, self) is None else ProviderFieldsDecoder
        if request.source is None and self._takes_states():
            decoder_class = ReasoningFieldsDecoder
        return decoder_class(self.name, request.model, self.pricing_provider)

    def _takes_states(self) -> bool:
        """Whether reasoning goes back in the server's own fields; OpenAI's own servers have none in this API."""
        return self.passthrough.passes_unknown and not self._address().is_official
