"""What is changed in the requests to a server that its SDK has written: a header for the key, a query."""

from __future__ import annotations

from typing import NamedTuple

import httpx2


class RequestOverrides(NamedTuple):
    """Changes to every request to one server, whichever SDK has written it.

    Args:
        headers: Their names and values; None takes a header away.
        query: Names and values that are put into the URL's query, in place of others of these names; a name may stand
            there several times.
    """

    headers: tuple[tuple[str, str | None], ...] = ()
    query: tuple[tuple[str, str], ...] = ()

    def apply(self, request: httpx2.Request) -> None:
        """Change a request that is about to be sent."""
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
