"""The engine: what happens between a model's bytes and a reader's bytes. It knows no flask and no SDK."""
