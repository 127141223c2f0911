"""The native protocol: `POST /api/chat`, and following and stopping a stream at `/api/streams/<id>`."""
