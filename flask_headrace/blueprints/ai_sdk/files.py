"""Turns a file in a message of the AI SDK into a content part. Pure."""

from __future__ import annotations

from ...core.data_url import data_url_text
from ...core.errors import InvalidRequest
from ...providers.chat_request import ImagePart, Part, TextPart


def to_file_part(url: str, media_type: str, path: str) -> Part:
    """Return the content part of an image, or of the text of a text file.

    Args:
        url: The file's URL, possibly a `data:` URL.
        media_type: The file's media type; the newest versions may send only its first half, such as `image`.
        path: The path of the file in the request, for error messages.

    Raises:
        InvalidRequest: this type of file is not supported; 400.
    """
    kind = media_type.partition("/")[0]
    if not url:
        raise InvalidRequest(f"{path} is a file without a url: add its URL, or its content as a data URL.")
    if kind == "image":
        return ImagePart(url)
    if kind == "text" and (text := data_url_text(url)) is not None:
        return TextPart(text)
    raise InvalidRequest(
        f"{path} is a file of the type {media_type!r:.100}: it must be an image, or a text in a base64 data URL."
    )
