"""Flask blueprints: one package per client protocol, and the HTTP layer that all of them share."""

if __name__ != "flask_headrace.blueprints":
    raise ImportError(f"{__name__!r} is a second name of this package: import flask_headrace.blueprints instead.")
