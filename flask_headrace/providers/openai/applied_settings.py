"""The settings that OpenAI's APIs report with an answer: those that the provider has applied. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

MAX_TIER_CHARS = 64
"""Maximum length of the name of a service tier; a longer one is ignored."""

_NUMBERS = ("temperature", "top_p", "presence_penalty", "frequency_penalty", "top_logprobs")


class AppliedSettings(msgspec.Struct, gc=False):
    """The settings in a response object. A compatible server may send any JSON."""

    temperature: Any = None
    top_p: Any = None
    presence_penalty: Any = None
    frequency_penalty: Any = None
    top_logprobs: Any = None
    service_tier: Any = None


def applied_settings(reported: AppliedSettings) -> dict[str, Any] | None:
    """Return the reported settings that have a usable value; None if there are none."""
    found = {name: value for name in _NUMBERS if type(value := getattr(reported, name)) in {int, float}}
    return found | (service_tier_setting(reported.service_tier) or {}) or None


def service_tier_setting(tier: Any) -> dict[str, Any] | None:  # noqa: ANN401  # what a server sent
    """Return the service tier as the only setting; None if `tier` is no name of one."""
    return {"service_tier": tier} if isinstance(tier, str) and 0 < len(tier) <= MAX_TIER_CHARS else None
