"""The parser of one HTTP/1.1 response: llhttp, through geventhttpclient. Pure."""

from __future__ import annotations

from geventhttpclient.response import HTTPParseError, HTTPResponse


class ResponseParser(HTTPResponse):
    """Collects the pieces of a body as llhttp finds them; raises for bytes after the end of the response.

    Attributes:
        pieces: The pieces of the body that were parsed and not yet taken out.
    """

    __slots__ = ("pieces",)

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[bytes] = []

    def _on_message_begin(self) -> None:
        if self.message_complete and self.get_code() >= 200:
            raise HTTPParseError("bytes after the end of the response")
        super()._on_message_begin()

    def _on_body(self, buf: bytearray) -> None:
        self.pieces.append(bytes(buf))
