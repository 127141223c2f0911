"""Values and pure functions that all other packages share: events, errors, SSE, usage, prices, JSON documents."""

if __name__ != "flask_headrace.core":
    raise ImportError(f"{__name__!r} is a second name of this package: import flask_headrace.core instead.")
