"""Many readers, each of whom asks for words of its own, while workers, stores and models fail at random.

`python -m benchmarks.chaos` counts what reaches them: characters lost, doubled or of another answer, and readers who
are told no end, or more than one.
"""
