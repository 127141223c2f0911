"""Resumable streams: written to a store, read from it on any worker, and stopped from any worker."""
