"""Images, documents and search results of the Messages API as parts of a `ChatRequest`. Pure.

A document that is text becomes text, with its title: every model reads that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from ...providers.chat_request import FilePart, ImagePart, Json, Part, TextPart
from .body import Base64Source, ContentSource, DocumentBlock, ImageBlock, SearchResultBlock, TextSource, URLSource


def image_part(block: ImageBlock) -> ImagePart:
    """Return an image block as a part."""
    return ImagePart(_url(block.source), cache_control=block.cache_control)


def document_parts(block: DocumentBlock, read_blocks: Callable[[list[Json]], tuple[Part, ...]]) -> tuple[Part, ...]:
    """Return a document as parts.

    Args:
        block: The document.
        read_blocks: Returns blocks of text and images as parts.
    """
    match block.source:
        case Base64Source() | URLSource() as source:
            told = _heading(context=block.context)
            file = FilePart(_url(source), block.title, block.cache_control)
            return (TextPart(told), file) if told else (file,)
        case TextSource(text) | ContentSource(str(text)):
            parts: tuple[Part, ...] = (TextPart(text),)
        case ContentSource(content):
            assert not isinstance(content, str)
            parts = read_blocks(content)
    return _with_mark(_with_heading(_heading(title=block.title, context=block.context), parts), block.cache_control)


def search_result_parts(
    block: SearchResultBlock, read_blocks: Callable[[list[Json]], tuple[Part, ...]]
) -> tuple[Part, ...]:
    """Return a search result as parts; for the arguments see `document_parts`."""
    heading = _heading(title=block.title, source=block.source)
    return _with_mark(_with_heading(heading, read_blocks(block.content)), block.cache_control)


def _url(source: Base64Source | URLSource) -> str:
    if isinstance(source, URLSource):
        return source.url
    return f"data:{source.media_type};base64,{source.data}"


def _heading(**fields: str | None) -> str:
    return "\n".join([f"{name.title()}: {value}" for name, value in fields.items() if value])


def _with_heading(heading: str, parts: Sequence[Part]) -> tuple[Part, ...]:
    if not heading:
        return tuple(parts)
    match parts:
        case (TextPart(text, cache_control), *rest):
            return (TextPart(f"{heading}\n\n{text}", cache_control), *rest)
        case _:
            return (TextPart(heading), *parts)


def _with_mark(parts: tuple[Part, ...], cache_control: Json | None) -> tuple[Part, ...]:
    match parts:
        case (*before, TextPart() | ImagePart() as last) if cache_control is not None:
            return (*before, replace(last, cache_control=cache_control))
        case _:
            return parts
