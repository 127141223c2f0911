"""Changes to requests that an SDK has built: headers, such as one with the key, and query parameters."""

from __future__ import annotations

from typing import NamedTuple

import httpx2


class RequestOverrides(NamedTuple):
    """Changes to every request to one server, whichever SDK has built it.

    Args:
        headers: Names and values of headers to set; the value None removes the header.
        query: Names and values of query parameters. They replace the SDK's parameters of the same names; a name may
            occur several times.
    """

    headers: tuple[tuple[str, str | None], ...] = ()
    query: tuple[tuple[str, str], ...] = ()

    def apply(self, request: httpx2.Request) -> None:
        """Apply the changes to `request` in place."""
        for name, value in self.headers:
            if value is None:
                request.headers.pop(name, None)
            else:
                request.headers[name] = value
        if self.query:
            replaced_names = {name for name, _ in self.query}
            kept_params = [item for item in request.url.params.multi_items() if item[0] not in replaced_names]
            request.url = request.url.copy_with(params=[*kept_params, *self.query])


NO_OVERRIDES = RequestOverrides()
