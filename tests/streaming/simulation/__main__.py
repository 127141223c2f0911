"""`python -m tests.streaming.simulation --seeds 1000`: run many seeds, and report those that break a promise."""

from __future__ import annotations

import argparse
import traceback

from tests.streaming.simulation.world import run


def main() -> None:
    """Run the seeds of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000, help="how many")
    parser.add_argument("--from", type=int, default=0, dest="first", help="the first one")
    options = parser.parse_args()
    broken = sum(breaks(seed) for seed in range(options.first, options.first + options.seeds))
    print(f"{options.seeds} seeds, {broken} broken")
    raise SystemExit(broken > 0)


def breaks(seed: int) -> bool:
    """Run a seed and print the exception if it breaks a promise; return whether it does."""
    try:
        run(seed)
    except Exception:  # noqa: BLE001  # all of them are reported
        traceback.print_exc()
        return True
    return False


if __name__ == "__main__":
    main()
