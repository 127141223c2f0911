"""Tells whose signature of reasoning is whose: one provider refuses the other's. Pure.

A signature of OpenAI's, which its Responses API calls `encrypted_content`, has a prefix here; one of Anthropic's has
none. Clients of the Responses API receive both without the prefix.
"""

from __future__ import annotations

import re

_PREFIX = "openai-responses:"

_ENCRYPTED_BY_OPENAI = re.compile(r"gAAAA[\w-]")
"""OpenAI's encrypted contents are Fernet tokens: their first byte is the version, 128, and then there is a time."""

_SIGNED_BY_ANTHROPIC = re.compile(r"redacted:|E[g-v][A-Za-z0-9+/]{16,}=*$", re.DOTALL)
"""Anthropic's signatures are the base64 of a message of Protocol Buffers, whose first field has the number 2."""


def sign_as_openai(encrypted_content: str) -> str:
    """Return the signature for the encrypted content of reasoning by a model of the Responses API."""
    return encrypted_content if is_openai_signature(encrypted_content) else f"{_PREFIX}{encrypted_content}"


def is_openai_signature(signature: str) -> bool:
    """Whether a signature is one of the Responses API."""
    return signature.startswith(_PREFIX)


def encrypted_content_of(signature: str) -> str:
    """Return a signature as the Responses API has it."""
    return signature.removeprefix(_PREFIX)


def is_foreign_to_openai(encrypted_content: str) -> bool:
    """Whether an encrypted content that a client sent back is Anthropic's signature, which OpenAI cannot read."""
    return _SIGNED_BY_ANTHROPIC.match(encrypted_content) is not None


def signature_of(encrypted_content: str) -> str:
    """Return the signature for an encrypted content that a client sent back: it may be from any provider."""
    return sign_as_openai(encrypted_content) if _ENCRYPTED_BY_OPENAI.match(encrypted_content) else encrypted_content
