"""The registry of an application whose questions a `FakeProvider` answers, whatever model they name."""

from __future__ import annotations

from ..providers.base import Provider
from ..providers.registry import MAX_MODEL_NAME_CHARS, Model, ModelRegistry


class ScriptedRegistry(ModelRegistry):
    """A registry that finds one provider for every model.

    Args:
        replaced: The application's own registry, whose default model and aliases stay.
        provider: The provider.
    """

    is_scripted = True

    def __init__(self, replaced: ModelRegistry, provider: Provider) -> None:
        default = replaced._default or f"{provider.name}/{provider.name}"
        super().__init__([provider], default, "", list(replaced._aliases.values()), replaced._configured_models)
        self._provider, self._default_id = provider, default

    def resolve(self, model: str | None, preferred: str | None = None) -> tuple[Provider, str]:
        """Return the provider, and the model as it is named; see `ModelRegistry.resolve`."""
        name = self._default_id if model is None else model
        if len(name) > MAX_MODEL_NAME_CHARS:
            return super().resolve(name, preferred)
        return self._provider, name

    def model_id(self, provider: Provider, name: str) -> str:
        """Return the model as it is named."""
        return name

    def models(self) -> list[Model]:
        """Return the aliases and the default model."""
        names = dict.fromkeys([*self._aliases, self._default_id])
        own = self._provider
        return [Model(name, own.name, name, own.is_embedded, name == self._default_id) for name in names]
