"""What the encoders of all protocols share: interfaces, SSE frames, event ids and error bodies. Pure."""
