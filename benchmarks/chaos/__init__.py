"""A chaos test: many readers, each with an answer of its own, while workers, stores and models fail at random.

`python -m benchmarks.chaos` counts violations: characters that are lost, doubled or of another answer, and readers that
get no end, or more than one.
"""
