"""HTTP for all protocols: request bodies, authorization, responses, and clients that disconnect."""
