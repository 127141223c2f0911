"""Request templates: for requests to one endpoint that differ only in their body, the SDK builds the rest once.

The SDKs build options, headers, URL and query anew for each request, which adds half a millisecond to the time to the
first token. The result is the same each time, except for the body.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import httpx2

if TYPE_CHECKING:
    from types import SimpleNamespace as FinalRequestOptions

C = TypeVar("C")

STREAM_HEADERS = {
    "Content-Type": "application/json",
    "Accept": "text/event-stream",
    "Accept-Encoding": "identity",
}
"""Headers of a request for a stream, beside the SDK's own: the response must not be compressed."""


class _RequestTemplate(NamedTuple):
    """Everything but the body of the requests to one path."""

    options: FinalRequestOptions
    method: str
    url: httpx2.URL
    headers: httpx2.Headers
    extensions: dict[str, Any]


class RequestTemplateMixin:
    """Mixin for an SDK's client: reuses everything but the body of the first request to the same path.

    The SDK itself builds retries, and requests whose body is not bytes.
    """

    def _templates(self) -> dict[str, _RequestTemplate]:
        templates: dict[str, _RequestTemplate] = self.__dict__.setdefault("_headrace_templates", {})
        return templates

    def _build_request(self, options: FinalRequestOptions, *, retries_taken: int = 0) -> httpx2.Request:
        content = options.content
        if retries_taken or not isinstance(content, bytes):
            return self._build_with_sdk(options, retries_taken)
        known = self._templates()
        own_headers = {name: value for name, value in options.headers.items() if name not in STREAM_HEADERS}
        if (template := known.get(options.url)) is None:
            # Without the headers of this request, which are those of one client.
            headers = {name: value for name, value in options.headers.items() if name in STREAM_HEADERS}
            template = known[options.url] = self._create_template(options.model_copy(update={"headers": headers}))
        # Pass the body as a stream: httpx2 then adds no headers, and only Content-Length is missing.
        body = httpx2.ByteStream(content)
        request = httpx2.Request(
            template.method, template.url, headers=template.headers, stream=body, extensions=template.extensions
        )
        request.headers["Content-Length"] = str(len(content))
        request.headers.update(own_headers)
        return request

    def _build_with_sdk(self, options: FinalRequestOptions, retries_taken: int = 0) -> httpx2.Request:
        built: httpx2.Request = super()._build_request(options, retries_taken=retries_taken)  # type: ignore[misc]
        return built

    def _create_template(self, options: FinalRequestOptions) -> _RequestTemplate:
        first = self._build_with_sdk(options)
        first.headers.pop("Content-Length")
        # Without the body, which is private, and without the idempotency key, which differs for each request.
        common = options.model_copy(update={"content": b"", "idempotency_key": None})
        return _RequestTemplate(common, first.method, first.url, first.headers, first.extensions)


def with_request_template(client_class: type[C]) -> type[C]:
    """Return an SDK's client class with `RequestTemplateMixin` mixed in."""
    bases: tuple[Any, ...] = (RequestTemplateMixin, client_class)
    return type(client_class.__name__, bases, {})


def post_stream(  # an SDK's client, mixed with the mixin
    client: Any,  # noqa: ANN401
    path: str,
    body: bytes,
    stream_cls: type,
    headers: tuple[tuple[str, str], ...] = (),
) -> httpx2.Response:
    """POST a request whose response is a stream; return the raw response with its body unread.

    Args:
        client: An instance of a class made by `with_request_template`.
        path: The path below the client's base URL.
        body: The encoded JSON body.
        stream_cls: The SDK's stream class; the SDK requires it, and does not use it here.
        headers: Names and values of headers for this request alone; they replace the SDK's of the same names.

    Raises:
        The SDK's own exceptions; see `map_sdk_errors`.
    """
    options = {"cast_to": httpx2.Response, "stream": True, "stream_cls": stream_cls}
    template = client._templates().get(path)
    all_headers = {**STREAM_HEADERS, **dict(headers)}
    if template is None:
        response = client.post(path, content=body, options={"headers": all_headers}, **options)
    else:
        changes = {"content": body, "headers": all_headers} if headers else {"content": body}
        response = client.request(options=template.options.model_copy(update=changes), **options)
    # With this `cast_to` the SDK returns the response instead of a stream of its own.
    assert isinstance(response, httpx2.Response)
    return response
