"""HTTP: the only room that knows requests and responses."""

if __name__ != "flask_headrace.blueprints":
    raise ImportError(f"{__name__!r} is a second name of this package: import flask_headrace.blueprints instead.")
