"""The engine: what happens between a model's bytes and a reader's bytes. It knows no flask and no SDK."""

if __name__ != "flask_headrace.streaming":
    raise ImportError(f"{__name__!r} is a second name of this package: import flask_headrace.streaming instead.")
