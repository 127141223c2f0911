"""Compaction: the model writes a summary, which the client sends in place of the conversation. Pure."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from ...core.answer import CollectedAnswer
from ...core.errors import UpstreamProtocolError
from ...core.events import Usage
from ...providers.chat_request import ChatRequest, Message
from .encoder import ResponsesEncoder
from .output_items import INCOMPLETE_REASONS, usage_object
from .summary import encode_summary

INSTRUCTION = (
    "Summarize our conversation so far, so that it can be continued from the summary alone. Keep every fact, decision, "
    "name, number, path and piece of code that may matter later, the results of tools, what is done, and what is "
    "still to be done. Write only the summary."
)
"""The last message of the request for a summary."""


def compaction_request(chat_request: ChatRequest) -> ChatRequest:
    """Return the request for a summary of a conversation."""
    return replace(
        chat_request,
        messages=(*chat_request.messages, Message("user", INSTRUCTION)),
        # The tools stay: some providers reject a conversation with calls of tools that the request does not have.
        tool_choice="none" if chat_request.tools else None,
        response_format=None,
    )


class CompactionEncoder(ResponsesEncoder):
    """Encodes the model's summary as a compacted response; see `ResponsesEncoder`."""

    def encode_whole(self, answer: CollectedAnswer) -> dict[str, Any]:
        """Return the compacted response.

        Raises:
            UpstreamProtocolError: the model wrote no whole summary.
        """
        summary = answer.text().strip()
        if not summary or answer.finish_reason in INCOMPLETE_REASONS:
            problem = "was cut" if summary else "is empty"
            raise UpstreamProtocolError(
                f"The model's summary of the conversation {problem}: send the request again, or name another model."
            )
        header = self._header
        item = {"type": "compaction", "id": f"cmp_{header.id}", "encrypted_content": encode_summary(summary)}
        return {
            "id": f"resp_{header.id}",
            "object": "response.compaction",
            "created_at": header.created,
            "output": [item],
            "usage": usage_object(answer.usage or Usage(0, 0)),
        }
