"""Builds what an application needs from the settings: providers, fallbacks, store, schemas, blueprints and state."""

if __name__ != "flask_headrace.setup":
    raise ImportError(f"{__name__!r} is a second name of this package: import flask_headrace.setup instead.")
