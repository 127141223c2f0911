"""Builds what an application needs from the settings: providers, fallbacks, store, schemas, blueprints and state."""
