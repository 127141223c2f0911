"""The native protocol: `POST /api/chat`."""
