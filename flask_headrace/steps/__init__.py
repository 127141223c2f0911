"""Answers of several steps: each is a question to a model, and the results of the tools that the model calls."""
