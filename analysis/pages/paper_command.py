"""The command `published`: the paper's rows, its ablations or placements, printed and as files."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path

from records.errors import UserError


def add_options(parser: argparse.ArgumentParser) -> None:
    """Those of `published`."""
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write the rows there as well")
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--ablations", action="store_true", help="instead, list the networks of the paper's ablations"
    )
    what.add_argument(
        "--placements", metavar="NAME", help="instead, list the placements of an ImageNet network's global "
        "layers whose counts are within 2%% of the poster's: the first 20, and all of them with --csv"
    )  # fmt: skip
    what.add_argument(
        "--page", type=Path, metavar="FILE", help="instead, write the rows and the ablations as Markdown"
    )
    parser.add_argument(
        "--trained", type=Path, metavar="FILE", help="with --page: accuracies of this trainings.jsonl"
    )


def show(args: argparse.Namespace) -> None:
    """Prints or writes what the options ask for. Raises `UserError` for options that do not go together."""
    if args.trained is not None and args.page is None:
        raise UserError("--trained is given without --page; accepted: together")
    if args.page is not None:
        if args.csv is not None:
            raise UserError("--csv is given with --page; accepted: one of them")
        from analysis.pages.paper_page import write_page

        print(f"written: {write_page(args.page, args.trained)}")
        return
    text, write = _listed(args)
    print(text)
    if args.csv is not None:
        print(f"written: {write(args.csv)}")


def _listed(args: argparse.Namespace) -> tuple[str, Callable[[Path], Path]]:
    """What `published` prints, and what writes it as a file."""
    from search_space.paper import ablation_rows, placements
    from search_space.paper import rows as published_rows

    if args.placements is not None:
        found = placements.placements(args.placements)
        return placements.placements_table(found), partial(placements.write_csv, found)
    if args.ablations:
        ablations = ablation_rows.ablation_rows()
        return ablation_rows.ablation_table(ablations), partial(ablation_rows.write_csv, ablations)
    rows = published_rows.rows()
    return published_rows.poster_table(rows), partial(published_rows.write_csv, rows)
