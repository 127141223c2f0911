"""Where a resumable stream's events live: one protocol, and a file for each kind of store."""
