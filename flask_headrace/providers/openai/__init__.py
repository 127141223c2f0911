"""OpenAI's two APIs, and every server that speaks one of them."""
