"""`GET /openapi.json`: the description of all endpoints."""
