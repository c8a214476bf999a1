"""How far latencies predicted from those of operations are from measured ones, on random networks.

    python -m benchmarks.latency_table [--space NAME] [--networks 50] [--calibration 8] [--batch 1] [--threads 1]

Networks of 32x32 colour images are drawn from the space; some calibrate the table, the others test it. The mark: half
of the errors at most 15%.
"""

from __future__ import annotations

import argparse

from tqdm import tqdm

from benchmarks import entry
from search_space import sample, space_names
from training.export.timing import processor
from training.latency_table import LatencyTable, summary

IMAGE = (3, 32, 32)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--space", choices=space_names(), default="tiny-global")
    parser.add_argument("--networks", type=int, default=50, help="that test the table (50)")
    parser.add_argument("--calibration", type=int, default=8, help="networks that it is fitted to (8)")
    parser.add_argument("--batch", type=int, default=1, help="images (1)")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads (1)")
    args = parser.parse_args()
    count = args.calibration + args.networks
    networks = [sample(args.space, seed, image=IMAGE).build(seed=0) for seed in range(count)]
    table = LatencyTable(batch=args.batch, threads=args.threads)
    table.calibrate(tqdm(networks[: args.calibration], desc="calibration", leave=False), IMAGE)
    errors = table.errors(tqdm(networks[args.calibration :], desc="test", leave=False), IMAGE)
    print(
        f"{args.space}, {args.batch} images, {args.threads} threads of {processor()}: {len(table.milliseconds)} "
        f"operations, latency = {table.overhead:.3f} ms + {table.scale:.3f} x their sum"
    )
    print(summary(errors))


if __name__ == "__main__":
    entry(main)
