"""gunicorn as Headrace needs it: its master, its worker, the checks at the start, and metrics of several workers."""

if __name__ != "flask_headrace.server":
    raise ImportError(f"{__name__!r} is a second name of this package: import flask_headrace.server instead.")
