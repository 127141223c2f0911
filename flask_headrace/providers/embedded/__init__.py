"""The small model that runs on this machine: its process, its supervisor, and the provider that asks it."""
