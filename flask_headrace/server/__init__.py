"""gunicorn as Headrace needs it: its master, its worker, the checks at the start, and metrics of several workers."""
