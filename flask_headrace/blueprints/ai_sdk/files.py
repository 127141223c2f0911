"""A file in a message of the AI SDK's, as a part of a question. Pure."""

from __future__ import annotations

from ...core.errors import InvalidRequest
from ...providers.chat_request import ImagePart, Part, TextPart
from ..http.data_url import data_url_text


def to_file_part(url: str, media_type: str, path: str) -> Part:
    """Return a picture, or the text of a text file.

    Args:
        url: Where it is, or itself as a `data:` URL.
        media_type: Its type; the newest versions may tell the first half alone.
        where: Its place in the request, which errors name.

    Raises:
        InvalidRequest: no model is asked with such a file here; 400.
    """
    kind = media_type.partition("/")[0]
    if not url:
        raise InvalidRequest(f"{path} is a file without a url: give one, or the file itself as a data URL.")
    if kind == "image":
        return ImagePart(url)
    if kind == "text" and (text := data_url_text(url)) is not None:
        return TextPart(text)
    raise InvalidRequest(
        f"{path} is a file of the type {media_type!r:.100}: it must be an image, or a text in a data URL of base64."
    )
