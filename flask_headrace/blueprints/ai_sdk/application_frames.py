"""The Vercel AI SDK's form of what an application adds to an answer: results of tools, sources, files and data. Pure.

Versions 5, 6 and 7 have these objects as frames. In older ones, most of them are annotations of the message.
"""

from __future__ import annotations

from typing import Any

from ...core.application_events import Data, File, Source, ToolResult

DATA_PREFIX = "data-"
"""Precedes the name of data in its type."""

_UNKNOWN_MEDIA_TYPE = "application/octet-stream"


def result_object(result: ToolResult, call_id: str) -> dict[str, Any]:
    """Return the result of a call whose id is `call_id`."""
    if result.error is not None:
        return {"type": "tool-output-error", "toolCallId": call_id, "errorText": result.error}
    return {"type": "tool-output-available", "toolCallId": call_id, "output": result.result}


def application_object(event: Source | File | Data) -> dict[str, Any]:
    """Return a source, a file or a value of the application."""
    match event:
        case Source():
            return source_object(event)
        case File():
            return file_object(event)
        case Data():
            return data_object(event)


def source_object(source: Source) -> dict[str, Any]:
    """Return a source: a web page or a document. Clients require an id, and the media type and title of a document."""
    if source.url:
        titled = {} if source.title is None else {"title": source.title}
        return {"type": "source-url", "sourceId": source.id or source.url, "url": source.url, **titled}
    title = source.title or source.filename or ""
    named = {} if source.filename is None else {"filename": source.filename}
    media_type = source.media_type or _UNKNOWN_MEDIA_TYPE
    return {"type": "source-document", "sourceId": source.id or title, "mediaType": media_type, "title": title, **named}


def file_object(file: File) -> dict[str, Any]:
    """Return a file."""
    return {"type": "file", "mediaType": file.media_type, "url": file.source_url()}


def data_object(data: Data) -> dict[str, Any]:
    """Return a value of the application."""
    named = {} if data.id is None else {"id": data.id}
    transient = {"transient": True} if data.transient else {}
    return {"type": f"{DATA_PREFIX}{data.name}", **named, "data": data.value, **transient}
