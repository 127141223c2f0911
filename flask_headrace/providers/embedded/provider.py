"""The embedded model as a provider: the OpenAI provider with the embedded model's current address."""

from __future__ import annotations

from ...core.errors import ModelUnavailable
from ...core.pricing import FREE
from ..model_info import ModelInfo
from ..openai.chat import OpenAIChat
from ..openai.server import Address
from ..passthrough import Passthrough
from .supervisor import (
    CONTEXT_SIZE,
    EmbeddedModelUnavailable,
    ensure_started,
    get_endpoint,
    model_name,
    read_state,
    wait_until_ready,
)

START_TIMEOUT = 30.0
"""Seconds that the first request waits if that request starts the model."""


class EmbeddedProvider(OpenAIChat):
    """Provider of the embedded model: `local/smollm2`, or `local/` and the name of the file in HEADRACE_EMBEDDED_MODEL.

    Args:
        model_path: A GGUF file; None for the bundled model.
        connect_timeout: Seconds in which a connection to the model's process must be established.
    """

    def __init__(self, model_path: str | None = None, connect_timeout: float = 5.0) -> None:
        super().__init__(
            "local",
            self._find_address,
            pricing_provider=FREE,
            connect_timeout=connect_timeout,
            is_embedded=True,
            # The server's own fields concern its memory and its other readers.
            passthrough=Passthrough(passes_unknown=False),
        )
        self._model_path = model_path

    def list_models(self) -> list[ModelInfo]:
        """Return the one model, also while it is being restarted."""
        capabilities = {"image_input": False, "pdf_input": False, "reasoning": False}
        if self._model_path is None:  # the bundled model
            capabilities["tools"] = False
        name = model_name(self._model_path)
        return [ModelInfo(name, context_window=CONTEXT_SIZE, capabilities=capabilities, reasoning_efforts=())]

    def _find_address(self) -> Address:
        try:
            if read_state() is None:
                # No supervisor runs: this is a command, or a host application under its own server.
                ensure_started(self._model_path)
                wait_until_ready(START_TIMEOUT)
            found = get_endpoint()
        except EmbeddedModelUnavailable as error:
            raise ModelUnavailable(str(error), retry_after=5 if error.retryable else None) from error
        return Address(found.base_url, found.api_key)
