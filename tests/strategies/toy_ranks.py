"""One of the processes that train the toy supernet together; see test_oneshot_ranks.py."""

from pathlib import Path

from strategies.oneshot_processes import serve


def work(request, number, count, meeting, send):
    import torch

    from strategies.oneshot_ranks import Ranks, group
    from strategies.oneshot_search import search_supernet
    from strategies.oneshot_settings import SupernetSettings
    from tests.strategies.test_oneshot_supernet import Toy, toy_table
    from training.data import load_data

    torch.set_num_threads(1)
    ranks, folder = Ranks(number, count), Path(request["folder"])
    data = load_data("digits", train_limit=240, validation=0.4, seed=0)
    with group(ranks, meeting, "cpu"):
        state = search_supernet(
            Toy,
            toy_table(),
            data,
            SupernetSettings(**request["settings"]),
            checkpoint=folder / "state.pt",
            log=folder / "search.log",
            ranks=ranks,
        )
    send(state.to_json())


if __name__ == "__main__":
    serve(work)
