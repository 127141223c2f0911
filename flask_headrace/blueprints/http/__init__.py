"""HTTP for all protocols: request bodies, authorization, responses, and client disconnects."""
