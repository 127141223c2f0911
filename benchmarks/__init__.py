"""The project's benchmarks: the cost of a streamed token, a held stream and a reader's disconnect, beside other relays.

`python -m benchmarks` runs all of them and writes docs/benchmarks.md.
"""
