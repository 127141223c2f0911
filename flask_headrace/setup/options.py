"""What an application passes to the extension, beside the settings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ..blueprints.before_hooks import BeforeHook
from ..blueprints.page_options import ChatPage
from ..providers.custom import CustomProvider
from ..signals import EndHook
from ..tools.local_tool import ToolLike


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtensionOptions:
    """The arguments of `Headrace`, and the functions that are added later.

    Args:
        authorize: See `Headrace`.
        has_page: See `page` of `Headrace`.
        page: What the application sets about the page; None for nothing.
        trusted_hosts: See `Headrace`.
        providers: See `Headrace`.
        endpoints: See `Headrace`.
        models: See `Headrace`.
        tools: See `Headrace`.
        tool_endpoints: See `Headrace`.
        holds_requests: See `hold_request` of `Headrace`.
        before_hooks: The functions that `Headrace.before` adds.
        end_hooks: The functions that `Headrace.on_end` adds.
    """

    authorize: Callable[[], str] | None
    has_page: bool
    page: ChatPage | None
    trusted_hosts: Sequence[str] | None
    providers: Sequence[CustomProvider]
    endpoints: tuple[str, ...] | None
    models: tuple[str, ...] | None
    tools: Sequence[ToolLike]
    tool_endpoints: tuple[str, ...]
    holds_requests: bool
    before_hooks: list[BeforeHook] = field(default_factory=list)
    end_hooks: list[EndHook] = field(default_factory=list)
