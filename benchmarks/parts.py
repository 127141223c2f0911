"""The parts of a run that measure the project alone, by their names in `--only`."""

from __future__ import annotations

from benchmarks import documents, growth, resuming, starting

PARTS = {
    part.__name__: part
    for part in (
        growth.streams,
        growth.workers,
        growth.memory,
        growth.answers,
        growth.sizes,
        growth.upstreams,
        resuming.resumable,
        resuming.elsewhere,
        resuming.stopping,
        resuming.crowd,
        documents.documents,
        starting.start,
    )
}
