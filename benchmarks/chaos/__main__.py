"""Run the chaos test on one store or on each, and print the counts of violations: each is 0 if all is well.

    python -m benchmarks.chaos --streams 1000 --store redis --seed 7

The seed decides the answers, the readers and the order of the faults, but not the speed of the machine.
"""

from __future__ import annotations

import argparse
import secrets
import sys
from pathlib import Path

from benchmarks.chaos import final_checks, reading
from benchmarks.chaos.run import Outcome, Plan, run
from benchmarks.chaos.stage import STORES

MAX_MESSAGES = 20
"""How many violations are printed as messages."""


def main() -> int:
    """Run, print, and return 1 if any count is not 0, else 0."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chaos", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--streams", type=int, default=1000, help="how many streams there are on each store")
    parser.add_argument("--store", choices=STORES, help="the store; default: each in turn")
    parser.add_argument("--seed", type=int, help="the seed of all random choices; default: a random one")
    parser.add_argument("--a-second", type=float, default=16.0, help="how many streams begin in a second")
    parser.add_argument("--log", type=Path, help="a file for what the services write")
    parser.add_argument("--brief", action="store_true", help="only short faults")
    options = parser.parse_args()
    seed = secrets.randbelow(10**6) if options.seed is None else options.seed
    is_well = True
    for store in [options.store] if options.store else STORES:
        plan = Plan(store, options.streams, seed, options.a_second, options.brief)
        print(f"{store}, {plan.streams} streams, --seed {seed}", flush=True)
        outcome = run(plan)
        is_well &= report(outcome)
        if options.log:
            options.log.write_text(outcome.log)
    return 0 if is_well else 1


def report(outcome: Outcome) -> bool:
    """Print the outcome of a run; return whether there was no violation."""
    print(f"  {outcome.readers} readers, {outcome.seconds:.0f} seconds")
    for name, times in sorted(outcome.faults.items()):
        print(f"    {times:>5}  {name}")
    print("  ended by")
    for end, times in outcome.reached.most_common():
        print(f"    {times:>5}  {end}")
    print("  went wrong")
    for what in (*reading.COUNTS, *final_checks.COUNTS):
        print(f"    {outcome.violations.counts[what]:>5}  {what}")
    for one in outcome.violations.messages[:MAX_MESSAGES]:
        print(f"  {one:.400}")
    return not outcome.violations.counts.total()


if __name__ == "__main__":
    sys.exit(main())
