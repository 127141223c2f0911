"""Requests to one endpoint that differ in their body alone, built by the SDK once.

The SDKs put each request together anew: options, headers, URL, query, which takes half a millisecond of a reader's wait
for the first token. What comes out is the same each time, but for the body.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import httpx2

if TYPE_CHECKING:
    from types import SimpleNamespace as FinalRequestOptions

C = TypeVar("C")


class SameRequest:
    """Mixed into an SDK's client: takes all but the body from the first request to the same path.

    Requests that are retried, or whose body is not given as bytes, are built by the SDK.
    """

    _firsts: dict[str, httpx2.Request]

    def _build_request(self, options: FinalRequestOptions, *, retries_taken: int = 0) -> httpx2.Request:
        content = options.content
        if retries_taken or not isinstance(content, bytes):
            built: httpx2.Request = super()._build_request(options, retries_taken=retries_taken)  # type: ignore[misc]
            return built
        firsts = self.__dict__.setdefault("_firsts", {})
        first: httpx2.Request | None = firsts.get(options.url)
        if first is None:
            first = firsts[options.url] = super()._build_request(options)  # type: ignore[misc]
            first.headers.pop("Content-Length")
        return httpx2.Request(
            first.method, first.url, headers=first.headers, content=content, extensions=dict(first.extensions)
        )


def with_same_request(client_class: type[C]) -> type[C]:
    """Return an SDK's client class with `SameRequest` mixed in."""
    bases: tuple[Any, ...] = (SameRequest, client_class)
    return type(client_class.__name__, bases, {})
