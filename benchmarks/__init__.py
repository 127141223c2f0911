"""The project's benchmarks: what a streamed token, a held stream and a reader's leaving cost, beside what others use.

`python -m benchmarks` runs all of them and writes docs/benchmarks.md.
"""
