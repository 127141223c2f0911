"""Builds what an application needs for the tools that run here."""

from __future__ import annotations

from typing import Any

from flask import Flask

from ..blueprints.endpoints import ENDPOINT_NAMES
from ..blueprints.offered_tools import OfferedTools
from ..core.errors import ConfigurationError
from ..settings import Settings
from ..streaming.stores.base import Store
from ..tools.approvals import Approvals
from ..tools.local_tool import LocalTool, ToolSource, local_tools
from ..tools.running import ToolLimits
from .options import ExtensionOptions


def build_offered_tools(app: Flask, settings: Settings, options: ExtensionOptions, store: Store) -> OfferedTools:
    """Return the tools of an application.

    Args:
        app: The application, whose key signs approvals.
        settings: The settings.
        options: What the application passes to the extension.
        store: Remembers which approvals can be given.

    Raises:
        ConfigurationError: two tools have the same name, an endpoint is unknown, or a tool needs approvals and the
            application has no key.
        TypeError: an object is no tool.
    """
    for endpoint in options.tool_endpoints:
        if endpoint not in ENDPOINT_NAMES:
            raise ConfigurationError(
                f"tool_endpoints has {endpoint!r:.100}: it must be one of {', '.join(ENDPOINT_NAMES)}."
            )
    approvals = Approvals(_keys(app), settings.approval_timeout, store.add_ticket, store.take_ticket)
    sources = [item for item in options.tools if isinstance(item, ToolSource)]
    known = local_tools([item for item in options.tools if not isinstance(item, ToolSource)])
    needing: list[LocalTool[..., Any] | ToolSource] = [*known.values(), *sources]
    for each in needing:
        approvals.require_key(each)
    return OfferedTools(
        items=tuple(options.tools),
        endpoints=frozenset(options.tool_endpoints),
        approvals=approvals,
        limits=ToolLimits(settings.tool_timeout, settings.tool_result),
        max_steps=settings.max_steps,
    )


def _keys(app: Flask) -> list[str | bytes]:
    key, fallbacks = app.secret_key, app.config.get("SECRET_KEY_FALLBACKS") or ()
    return [*fallbacks, key] if key else []
