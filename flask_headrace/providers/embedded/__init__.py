"""The embedded model, a small model on this machine: its process, its supervisor and its provider."""
