"""A plan's supernet trained by several processes, which share each batch (``plan.devices``).

This module is also what each of them runs. It imports NNI and Lightning only there, and not before their
messages have somewhere to go.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from execution.one_shot.processes import Message, Send, run_processes, serve
from records.errors import UserError
from strategies.supernet.plan import OneShotPlan, check_plan
from strategies.supernet.quiet import lightning_log_to
from strategies.supernet.state import SearchState


def train_in_processes(
    plan: OneShotPlan,
    checkpoint: Path,
    log: Path,
    on_epoch: Callable[[SearchState], None],
    progress: bool = False,
) -> SearchState:
    """As ``train_supernet``. The first process writes ``checkpoint``; ``on_epoch`` is called here."""
    state: SearchState | None = None

    def on_message(_: int, message: Message) -> None:
        nonlocal state
        state = SearchState.from_json(message)
        on_epoch(state)

    request = {
        "plan": plan.to_json(),
        "checkpoint": str(checkpoint),
        "log": str(log),
        "progress": progress,
    }
    run_processes("execution.one_shot.parallel", request, plan.devices, log=log, on_message=on_message)
    if state is None:
        raise UserError(f"the supernet's processes ended without a word; see {log}")
    return state


def train_part(request: Message, number: int, count: int, meeting: Path, send: Send) -> None:
    """What each of those processes does."""
    plan = OneShotPlan.from_json(request["plan"])
    log = Path(request["log"])
    with lightning_log_to(log):
        import torch

        from strategies.supernet.ranks import Ranks, group
        from strategies.supernet.training import train_supernet
    threads = max(1, (plan.trial.threads or os.cpu_count() or 1) // count)
    device = "cpu"
    if plan.supernet.device != "cpu":
        device = f"cuda:{number}"
        torch.cuda.set_device(number)
    torch.set_num_threads(threads)
    table = check_plan(plan)
    ranks = Ranks(number, count)
    with group(ranks, meeting, device):
        train_supernet(
            plan.on_device(device, threads),
            table,
            Path(request["checkpoint"]),
            log,
            lambda state: send(state.to_json()),
            request["progress"],
            ranks,
        )


if __name__ == "__main__":
    serve(train_part)
