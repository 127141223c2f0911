"""The small model on this machine as a provider: the OpenAI provider, at the address of the moment."""

from __future__ import annotations

from ...core.errors import ModelUnavailable
from ...core.pricing import FREE
from ..openai.chat import OpenAIChat
from ..openai.server import Address
from .supervisor import EmbeddedModelUnavailable, ensure_started, get_endpoint, model_name, read_state, wait_until_ready

START_TIMEOUT = 30.0
"""Seconds that the first request waits where the model is started by it."""


class EmbeddedProvider(OpenAIChat):
    """The embedded model, named `local/smollm2`, or `local/` and the name of the file in HEADRACE_LOCAL_MODEL.

    Args:
        model_path: Another GGUF file; None for the one that is installed with it.
        connect_timeout: Seconds.
    """

    def __init__(self, model_path: str | None = None, connect_timeout: float = 5.0) -> None:
        super().__init__(
            "local", self._find_address, pricing_provider=FREE, connect_timeout=connect_timeout, is_embedded=True
        )
        self._model_path = model_path

    def models(self) -> list[str]:
        """Return its one name, also while it is being restarted."""
        return [model_name(self._model_path)]

    def _find_address(self) -> Address:
        try:
            if read_state() is None:
                # Nobody has started it: this is a command, or a host application under a server of its own.
                ensure_started(self._model_path)
                wait_until_ready(START_TIMEOUT)
            found = get_endpoint()
        except EmbeddedModelUnavailable as error:
            raise ModelUnavailable(str(error), retry_after=5 if error.retryable else None) from error
        return Address(found.base_url, found.api_key)
