"""A provider for chat completions: OpenAI, and all compatible servers (vLLM, Ollama, llama.cpp, DeepSeek, …)."""

from __future__ import annotations

from ..chat_request import ChatRequest, Json
from ..source_request import Family
from .chat_decoder import ChatDecoder
from .chat_request_body import build_body
from .server import Address, OpenAIServer

UNSUPPORTED_BY_PROTOCOL = frozenset({"thinking"})
"""Request features that chat completions cannot express."""

UNSUPPORTED_BY_OPENAI = UNSUPPORTED_BY_PROTOCOL | {"top_k"}
"""Those, and the features that OpenAI's own servers reject."""


class OpenAIChat(OpenAIServer):
    """A provider for one server that speaks chat completions; see `OpenAIServer`."""

    family: Family = "openai-chat"
    endpoint = "/chat/completions"

    @property
    def unsupported_features(self) -> frozenset[str]:
        """The request features that this server does not support; see `Provider.unsupported_features`."""
        if self.is_embedded:
            return frozenset({"audio", "files", "images", "name", "thinking", "reasoning_effort", "verbosity", "user"})
        return UNSUPPORTED_BY_OPENAI if self._address().is_official else UNSUPPORTED_BY_PROTOCOL

    def _body(self, request: ChatRequest, address: Address) -> Json:
        return build_body(request, is_official=address.is_official)

    def _decoder(self, request: ChatRequest) -> ChatDecoder:
        return ChatDecoder(self.name, request.model, self.pricing_provider)
