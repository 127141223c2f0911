"""The upstreams: from an SDK's request to typed events. This package knows no flask, no sessions and no readers."""

if __name__ != "flask_headrace.providers":
    raise ImportError(f"{__name__!r} is a second name of this package: import flask_headrace.providers instead.")
