"""Decoding that all providers share: SSE streams, JSON events, tool calls, usage and finish reasons."""
