"""Background responses of a provider of the Responses API: the provider hears nothing of it, and all comes back."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.blueprints.openai_responses.same_api import ANSWERS, SameApi, ended, frames_of
from tests.support.reader import Answer, send
from tests.support.upstream import Chunk


def get(api: SameApi, id_: str, query: str = "") -> Answer:
    return send(f"{api.url}/v1/responses/{id_}{query}", method="GET")


def finished(api: SameApi, id_: str, limit: float = 10.0) -> dict[str, Any]:
    until = time.monotonic() + limit
    while (found := get(api, id_).json)["status"] in {"queued", "in_progress"}:
        assert time.monotonic() < until, found
        time.sleep(0.01)
    resource: dict[str, Any] = found
    return resource


@pytest.mark.parametrize(("frames", "output"), ANSWERS.values(), ids=ANSWERS)
def test_has_the_items_of_the_provider_whole_and_streamed_from_any_number(
    api: SameApi, frames: list[Chunk], output: Any
) -> None:
    begun = api.ask(*frames, ended(), stream=False, background=True, background_options={"completion_window": "2h"})
    id_ = begun.json["id"]
    whole = finished(api, id_)
    assert (whole["status"], whole["output"], whole["background"]) == ("completed", output, True)
    assert {"background", "background_options"}.isdisjoint(api.request.body)
    streamed = frames_of(get(api, id_, "?stream=true"))
    assert streamed[-1]["response"] == whole
    for number in range(len(streamed)):
        rest = get(api, id_, f"?stream=true&starting_after={number}")
        assert [data for _, data in rest.frames] == streamed[number + 1 :]
