"""One of the processes that train the toy supernet together; see test_ranks.py."""

import os
from pathlib import Path

from execution.one_shot.processes import serve


def work(request, number, count, meeting, send):
    import psutil
    import torch

    from strategies.registry import get_strategy
    from strategies.supernet.ranks import Ranks, group
    from strategies.supernet.search import search_supernet
    from strategies.supernet.settings import SupernetSettings
    from tests.strategies.supernet.toy import Toy, toy_table
    from training.data.loading import load_data

    torch.set_num_threads(1)
    ranks, folder = Ranks(number, count), Path(request["folder"])
    data = load_data("digits", train_limit=240, validation=0.4, seed=0)
    send({"pid": os.getpid()})
    with group(ranks, meeting, "cpu"):
        states = {
            name: search_supernet(
                Toy,
                toy_table(),
                data,
                SupernetSettings(**request["settings"]),
                strategy=get_strategy(name),
                checkpoint=folder / f"{name}.pt",
                log=folder / "search.log",
                on_epoch=lambda state: send({"epochs": len(state.records)}),
                ranks=ranks,
            ).to_json()
            for name in request["strategies"]
        }
        norm = torch.nn.BatchNorm1d(3)
        norm.running_mean.fill_(number)
        ranks.average_statistics(norm)
        ranks.require_equal([norm.running_mean, torch.ones(2)], "what is the same")
        try:
            ranks.require_equal([torch.tensor([1.0 + number * 1e-7])], "numbers")
            noticed = None
        except RuntimeError as error:
            noticed = str(error)
        connections = psutil.Process().net_connections(kind="inet")
    send(
        {
            "states": states,
            "listening": [c.laddr.ip for c in connections if c.status == psutil.CONN_LISTEN],
            "running_mean": norm.running_mean.tolist(),
            "noticed": noticed,
        }
    )


if __name__ == "__main__":
    serve(work)
