"""Requests to one endpoint that differ in their body alone, built by the SDK once.

The SDKs put each request together anew: options, headers, URL, query, which takes half a millisecond of a reader's wait
for the first token. What comes out is the same each time, but for the body.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import httpx2

from .sdk_errors import STREAM_HEADERS

if TYPE_CHECKING:
    from types import SimpleNamespace as FinalRequestOptions

C = TypeVar("C")


class _RequestTemplate(NamedTuple):
    """What the requests to one path have in common."""

    options: FinalRequestOptions
    method: str
    url: httpx2.URL
    headers: httpx2.Headers
    extensions: dict[str, Any]


class RequestTemplateMixin:
    """Mixed into an SDK's client: takes all but the body from the first request to the same path.

    Requests that are retried, or whose body is not given as bytes, are built by the SDK.
    """

    def _templates(self) -> dict[str, _RequestTemplate]:
        likenesses: dict[str, _RequestTemplate] = self.__dict__.setdefault("_headrace_likenesses", {})
        return likenesses

    def _build_request(self, options: FinalRequestOptions, *, retries_taken: int = 0) -> httpx2.Request:
        content = options.content
        if retries_taken or not isinstance(content, bytes):
            return self._build_with_sdk(options, retries_taken)
        known = self._templates()
        if (template := known.get(options.url)) is None:
            template = known[options.url] = self._create_template(options)
        # As a stream: every header is there but one, and httpx2 need not look for what is missing.
        body = httpx2.ByteStream(content)
        request = httpx2.Request(
            template.method, template.url, headers=template.headers, stream=body, extensions=template.extensions
        )
        request.headers["Content-Length"] = str(len(content))
        return request

    def _build_with_sdk(self, options: FinalRequestOptions, retries_taken: int = 0) -> httpx2.Request:
        built: httpx2.Request = super()._build_request(options, retries_taken=retries_taken)  # type: ignore[misc]
        return built

    def _create_template(self, options: FinalRequestOptions) -> _RequestTemplate:
        first = self._build_with_sdk(options)
        first.headers.pop("Content-Length")
        # Not the body: it is somebody's question. And the SDK gives each request a key of its own.
        common = options.model_copy(update={"content": b"", "idempotency_key": None})
        return _RequestTemplate(common, first.method, first.url, first.headers, first.extensions)


def with_request_template(client_class: type[C]) -> type[C]:
    """Return an SDK's client class with `RequestTemplateMixin` mixed in."""
    bases: tuple[Any, ...] = (RequestTemplateMixin, client_class)
    return type(client_class.__name__, bases, {})


def post_stream(client: Any, path: str, body: bytes, stream_cls: type) -> httpx2.Response:  # noqa: ANN401  # an SDK's, mixed
    """Send a question whose answer is a stream; return the response itself, its body unread.

    Args:
        client: One of a class that `with_same_request` has made.
        path: Below the client's base URL.
        body: The question, encoded.
        stream_cls: What the SDK would make of the stream, were it asked to.
    """
    options = {"cast_to": httpx2.Response, "stream": True, "stream_cls": stream_cls}
    template = client._likenesses().get(path)
    if template is None:
        response = client.post(path, content=body, options={"headers": STREAM_HEADERS}, **options)
    else:
        response = client.request(options=template.options.model_copy(update={"content": body}), **options)
    # With this `cast_to` the SDK hands over the response, and not a stream of its own.
    assert isinstance(response, httpx2.Response)
    return response
