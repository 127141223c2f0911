"""Run it on one store, or on each, and print what was counted: one line a count, 0 where all is well.

    python -m benchmarks.chaos --streams 1000 --store redis --seed 7

The seed decides what is asked for, who reads it, and which fault follows which; not how fast the machine is.
"""

from __future__ import annotations

import argparse
import secrets
import sys
from pathlib import Path

from benchmarks.chaos import accounts, reading
from benchmarks.chaos.run import Outcome, Plan, run
from benchmarks.chaos.stage import STORES

TOLD = 20
"""How many of the wrongs are told in words."""


def main() -> int:
    """Run, print, and return 1 where anything is not 0."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chaos", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--streams", type=int, default=1000, help="how many streams there are on each store")
    parser.add_argument("--store", choices=STORES, help="the store; each in turn where it is left out")
    parser.add_argument("--seed", type=int, help="what all that is random is drawn from; another one each time else")
    parser.add_argument("--a-second", type=float, default=16.0, help="how many streams begin in a second")
    parser.add_argument("--log", type=Path, help="a file for what the services write")
    parser.add_argument("--brief", action="store_true", help="only short faults")
    given = parser.parse_args()
    seed = secrets.randbelow(10**6) if given.seed is None else given.seed
    is_well = True
    for store in [given.store] if given.store else STORES:
        plan = Plan(store, given.streams, seed, given.a_second, given.brief)
        print(f"{store}, {plan.streams} streams, --seed {seed}", flush=True)
        outcome = run(plan)
        is_well &= report(outcome)
        if given.log:
            given.log.write_text(outcome.log)
    return 0 if is_well else 1


def report(outcome: Outcome) -> bool:
    """Print what came of a run; return whether all is well."""
    print(f"  {outcome.readers} readers, {outcome.seconds:.0f} seconds")
    for name, times in sorted(outcome.faults.items()):
        print(f"    {times:>5}  {name}")
    print("  ended by")
    for end, times in outcome.reached.most_common():
        print(f"    {times:>5}  {end}")
    print("  went wrong")
    for what in (*reading.COUNTS, *accounts.COUNTS):
        print(f"    {outcome.wrongs.counts[what]:>5}  {what}")
    for one in outcome.wrongs.told[:TOLD]:
        print(f"  {one:.400}")
    return not outcome.wrongs.counts.total()


if __name__ == "__main__":
    sys.exit(main())
