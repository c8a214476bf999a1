#!/usr/bin/env python3
"""The command line of searches and of what is done with their outcome.

Every option is a field of a settings record elsewhere; this file names the commands and hands over.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from records.errors import UserError
from records.interface.command_line import Parser, add_options
from records.interface.program import (
    run_program,  # the rest is imported where it is used, for a quick `--help`
)
from records.interface.stopped import LONG, what_is_kept
from records.interface.terminal import tell
from records.lazy import loader

# A search from Python, as `pde_nas` has it.
__getattr__ = loader(__name__, dict.fromkeys(("SearchSettings", "resume", "search"), "pde_nas"))
_ABOUT = "Neural architecture search with global PDE layers: the command line."
_PICKS = "which candidate: best, knee, index=N, max-macs=X (such as 300k) or max-latency=T (such as 2ms)"


def _given(args: argparse.Namespace, names: Iterable[str]) -> dict[str, Any]:
    return {name: value for name, value in vars(args).items() if name in names}


def _given_settings(args: argparse.Namespace) -> dict[str, Any]:
    from execution.settings import all_options

    return _given(args, all_options())


def _search_options(
    parser: argparse.ArgumentParser, defaults: Mapping[str, Any] | None = None, plain: bool = False
) -> None:
    """What every search has, and in groups of their own what only some strategies have."""
    from execution.settings import all_options, common_options
    from strategies.registry import strategy_options

    all_options()  # says so if a strategy of the user's own has a setting that every search has
    add_options(parser, common_options().values(), plain, defaults)
    for field, strategies in strategy_options().values():
        title = f"only with --strategy {' or '.join(strategies)}"
        groups = [group for group in parser._action_groups if group.title == title]
        add_options(groups[0] if groups else parser.add_argument_group(title), [field], plain, defaults)


def _search(args: argparse.Namespace) -> None:
    import pde_nas

    tell(pde_nas.search(pde_nas.SearchSettings(**_given_settings(args))).table)


def _resume_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "run", type=Path, help="run folder of a search, hub or sweep that was stopped or killed"
    )
    from execution.settings import all_options

    _search_options(parser, dict.fromkeys(all_options(), "the run's"))


def _resume(args: argparse.Namespace) -> None:
    import pde_nas

    _tell_whole(pde_nas.resume(args.run, **_given_settings(args)))


def _tell_whole(outcome: Any) -> None:
    tell(outcome.table)
    outcome.require_finished()


def _hub_options(parser: argparse.ArgumentParser) -> None:
    from execution.portal.hub_rows import SMALL

    _searches_option(parser)
    _search_options(parser, SMALL)


def _searches_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--searches", type=int, default=1, metavar="N", help="searches at the same time (default: 1)"
    )


def _hub(args: argparse.Namespace) -> None:
    import pde_nas
    from execution.portal import hub

    hub.open_hub(_given_settings(args), args.searches, pde_nas.PROGRAM, pde_nas.PAGES)


def _sweep_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--seeds", dest="seed", default=argparse.SUPPRESS, metavar="S,S", help="same as --seed"
    )
    _searches_option(parser)
    _search_options(parser, plain=True)
    from execution.portal.hub_rows import of_one_value

    alone = ", ".join("--" + name.replace("_", "-") for name in of_one_value())
    parser.epilog = (
        f"Several values stand with commas between them. What is given to {alone} is one value, commas and all; in "
        "--setting a comma parts values only before another NAME=."
    )


def _sweep(args: argparse.Namespace) -> None:
    import pde_nas

    _tell_whole(pde_nas.sweep(_given_settings(args), searches=args.searches))


def _list_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folders", type=Path, nargs="*", default=[Path("runs")], help="where to look (runs)")


def _list(args: argparse.Namespace) -> None:
    from execution import runs

    print(runs.runs_table(runs.find_runs(args.folders)))


def _run_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path, help="run folder")


def _view_options(parser: argparse.ArgumentParser) -> None:
    _run_option(parser)
    parser.add_argument(
        "--port", type=int, metavar="P", help="0 takes a free one (8080, or a free one where that is taken)"
    )
    parser.add_argument("--host", metavar="HOST", help="address to show it on, behind a token")


def _view(args: argparse.Namespace) -> None:
    from execution import runs
    from pde_nas import PAGES
    from records.run_files.run_folder import RunFolder

    with contextlib.suppress(KeyboardInterrupt):  # the way to end it
        runs.view(RunFolder.open(args.run), args.port, args.host, PAGES)


def _stop(args: argparse.Namespace) -> None:
    from execution import runs

    print(runs.stop_line(args.run))


def _export_options(parser: argparse.ArgumentParser) -> None:
    from training.export.forms import FORMS

    parser.add_argument(
        "run", type=Path, help="folder of a run, hub, sweep or training, or a genotype's JSON file"
    )
    parser.add_argument(
        "--pick", default="best", metavar="WHAT", help=f"{_PICKS}; front: all its points (best)"
    )
    parser.add_argument(
        "--format", metavar="NAMES", help=f"{', '.join(FORMS)}, several with commas (onnx,program)"
    )  # fmt: skip
    parser.add_argument(
        "--weights", type=Path, metavar="FILE", help="safetensors file of a retrained network"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder to make (RUN/export)")
    parser.add_argument(
        "--dataset", metavar="NAME", help="whose normalisation goes into the model (the training's or the run's; "
        "none: the model takes normalised images)"
    )  # fmt: skip
    parser.add_argument(
        "--data-dir", metavar="DIR", help="where that data set is, if its facts are read from it"
    )


def _export(args: argparse.Namespace) -> None:
    import pde_nas

    formats = [name.strip() for name in (args.format or "onnx,program").split(",")]
    given = {"formats": formats, "out": args.out, "dataset": args.dataset, "data_dir": args.data_dir}
    if args.pick == "front":
        if args.weights is not None:
            raise UserError(
                "--weights goes with one candidate; of a front those of each one's retrain are taken"
            )
        exported = pde_nas.export_front(args.run, **given)
    else:
        exported = [pde_nas.export(args.run, args.pick, weights=args.weights, **given)]
    for made in exported:
        print(f"{made.folder}: {', '.join(made.files)}\n{made.summary()}")
    if args.format is not None:
        for made in exported:
            made.require_all()


def _retrain_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "genotype",
        type=Path,
        metavar="RUN|FILE",
        help="a run folder, or a genotype's JSON file such as a run's best.json",
    )
    parser.add_argument("--pick", default="best", metavar="WHAT", help=f"of a run, {_PICKS} (best)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder to make or go on with (next to it)")
    _training_options(parser)


def _training_options(parser: argparse.ArgumentParser) -> None:
    from training.options import TrainingOptions

    add_options(parser, dataclasses.fields(TrainingOptions))


def _given_training(args: argparse.Namespace) -> dict[str, Any]:
    from training.options import TrainingOptions

    return _given(args, [field.name for field in dataclasses.fields(TrainingOptions)])


def _tell_trained(trained: Any) -> None:
    accuracy = 100 * trained.result["test_accuracy"]
    print(f"test accuracy {accuracy:.2f}% after the last epoch; {trained.folder}")


def _retrain(args: argparse.Namespace) -> None:
    import pde_nas
    from training.device import keep_memory

    keep_memory()
    _tell_trained(pde_nas.retrain(args.genotype, args.pick, out=args.out, **_given_training(args)))


def _report_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("runs", type=Path, nargs="+", help="run folders; several are drawn over each other")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder for the report (the first run's)")
    parser.add_argument(
        "--question",
        metavar="WHAT",
        help="answer one question alone. global: do global layers pay, at equal MACs?",
    )


def _report(args: argparse.Namespace) -> None:
    if args.question is not None:
        from analysis import answer

        found = answer(args.question, args.runs, out=args.out)
        print(f"{found.text}\nWritten: {', '.join(map(str, found.files))}")
        return
    from analysis import report

    print(report(args.runs, out=args.out).table)


def _inspect_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "run",
        type=Path,
        metavar="RUN|WEIGHTS",
        help="a run with a retrained candidate, a training, or its weights",
    )
    parser.add_argument(
        "--image", type=Path, required=True, metavar="FILE", help="an image to run through the network"
    )
    parser.add_argument("--pick", default="best", metavar="WHAT", help=f"of a run, {_PICKS} (best)")
    parser.add_argument(
        "--layer", type=int, metavar="N", help="this global layer alone, counted from 1 (all)"
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="folder for the pictures (inspect, beside the weights)"
    )


def _inspect(args: argparse.Namespace) -> None:
    import pde_nas

    found = pde_nas.inspect(args.run, args.image, args.pick, layer=args.layer, out=args.out)
    print(f"class given: {found.label}")
    print("\n".join(maps.sentence() for maps in found.maps))
    folder, names = found.files[0].parent, [file.name for file in found.files]
    print(
        f"In {folder}: {names[0]}"
        + (f" to {names[-2]}, and the arrays of each (.npz)" if names[2:] else f", {names[1]}")
    )


def _train_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--published", required=True, metavar="NAME", help="a network of `published`; --recipe published is "
        "then its own recipe"
    )  # fmt: skip
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder to make or go on with (runs/<name>)")
    _training_options(parser)


def _train(args: argparse.Namespace) -> None:
    import pde_nas
    from training.device import keep_memory

    keep_memory()
    _tell_trained(pde_nas.train(args.published, out=args.out, **_given_training(args)))


def _spaces_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="SPACE", help="spaces to show (all)")


def _spaces(args: argparse.Namespace) -> None:
    from search_space import space_names
    from search_space.setting_text import settings_help

    print("\n\n".join(settings_help(name) for name in args.names or space_names()))


def _strategies(args: argparse.Namespace) -> None:
    from strategies.registry import settings_help, strategy_names

    print("\n".join(settings_help(name) for name in strategy_names()))


def _no_options(parser: argparse.ArgumentParser) -> None:
    pass


def _published_options(parser: argparse.ArgumentParser) -> None:
    from analysis.pages import paper_command

    paper_command.add_options(parser)


def _published(args: argparse.Namespace) -> None:
    from analysis.pages import paper_command

    paper_command.show(args)


# name: (what it does, its options, its action)
COMMANDS = {
    "search": ("explore a space, and end with a front of accuracy against MACs", _search_options, _search),
    "resume": ("go on with a search that was stopped or killed", _resume_options, _resume),
    "hub": ("open the portal as the place from which searches are launched", _hub_options, _hub),
    "sweep": ("run a search for every combination of values, to one front", _sweep_options, _sweep),
    "list": ("tell which runs there are, and how far they are", _list_options, _list),
    "view": ("show a finished run in the portal again", _view_options, _view),
    "stop": ("end a run in order", _run_option, _stop),
    "export": ("write architectures in forms that other programs run", _export_options, _export),
    "retrain": ("train an architecture to the end, and test it", _retrain_options, _retrain),
    "train": ("train a published network by a recipe, and test it", _train_options, _train),
    "spaces": ("the spaces with their settings, for --space and --setting", _spaces_options, _spaces),
    "strategies": ("the strategies with their settings, for --strategy", _no_options, _strategies),
    "published": ("the paper's table beside this project's counts", _published_options, _published),
    "inspect": (
        "show what an image makes within the global layers of a trained network",
        _inspect_options,
        _inspect,
    ),
    "report": ("draw and tabulate finished runs", _report_options, _report),
}


def _make_parser(words: Sequence[str]) -> Parser:
    parser = Parser(prog="run_search.py", description=_ABOUT)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (help_, own_options, _) in COMMANDS.items():
        command = commands.add_parser(name, help=help_, description=help_, allow_abbrev=False)
        if name in words[:1]:  # options of the others would only cost imports
            own_options(command)
    return parser


def _obey(words: Sequence[str]) -> None:
    args = _make_parser(words).parse_args(words)
    COMMANDS[args.command][2](args)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command; the exit code: 0, 2 for a user's mistake, 130 after Ctrl-C or SIGTERM."""
    words = list(sys.argv[1:] if argv is None else argv)
    return run_program(_obey, words, what_is_kept, long=bool(words) and words[0] in LONG)


if __name__ == "__main__":
    sys.exit(main())
