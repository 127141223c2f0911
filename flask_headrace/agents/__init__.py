"""Agents of other libraries as sources of streams: one module for each library, which it does not import."""
