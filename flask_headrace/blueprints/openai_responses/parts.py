"""Turns the content parts of the Responses API's items into those of a `ChatRequest`. Pure."""

from __future__ import annotations

from ...core.errors import InvalidRequest
from ...providers.chat_request import AudioPart, FilePart, ImagePart, Json, Part, TextPart
from ..http.request_body import convert
from ..openai_shared.request import as_json, to_data_url
from .input_items import (
    CONTENT_PARTS,
    AudioContent,
    Content,
    ContentPart,
    FileContent,
    ImageContent,
    RefusalContent,
    TextContent,
)
from .untranslated import Untranslated


class PartReader:
    """Reads the content of the items of one request.

    Args:
        untranslated: Receives what the parts of a `ChatRequest` do not contain.
    """

    def __init__(self, untranslated: Untranslated) -> None:
        self._untranslated = untranslated

    def read(self, content: Content, path: str, *, is_question: bool = False) -> tuple[Part, ...]:
        """Return the parts of a content.

        Args:
            content: A text, or parts.
            path: The content's path, for error messages.
            is_question: Whether the content is a part of what the user asks, so that no part can be left out.

        Raises:
            InvalidRequest: a part is invalid; the message names it.
        """
        if isinstance(content, str):
            return (TextPart(content),) if content else ()
        places = [f"{path}[{number}]" for number in range(len(content))]
        parts = [self._part(part, place, is_question) for part, place in zip(content, places, strict=True)]
        return tuple([part for part in parts if part is not None])

    def _part(self, value: Json, path: str, is_question: bool) -> Part | None:
        part_type = value.get("type")
        if not isinstance(part_type, str):
            raise InvalidRequest(f"{path} has the type {as_json(part_type)}: give a type, such as 'input_text'.")
        if (known := CONTENT_PARTS.get(part_type)) is None:
            self._untranslated.add_part(part_type, path, is_question=is_question)
            self._untranslated.add_states(value, path)
            return None
        if known not in {TextContent, RefusalContent}:  # their annotations only cite
            self._untranslated.add_states(value, path)
        return self._known_part(convert(value, known, path), path)

    def _known_part(self, part: ContentPart, path: str) -> Part | None:
        match part:
            case TextContent(text):
                return TextPart(text)
            case RefusalContent(text):
                return TextPart(text)
            case AudioContent(audio):
                return AudioPart(audio.data, audio.format)
            case ImageContent(url, detail) if url is not None:
                return ImagePart(url, detail)
            case FileContent(data, url) if data is not None or url is not None:
                return FilePart(url or "" if data is None else to_data_url(data, part.filename), part.filename)
            case ImageContent() | FileContent():
                _require_stored_file(part, path)
                return None


def _require_stored_file(part: ImageContent | FileContent, path: str) -> None:
    if not part.file_id:
        missing = "image_url" if isinstance(part, ImageContent) else "file_data and no file_url"
        raise InvalidRequest(f"{path} has no {missing}: add {missing.split(maxsplit=1)[0]}.")
