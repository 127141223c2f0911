"""`GET /openapi.json`: the OpenAPI document of all endpoints."""
