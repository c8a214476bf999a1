import json

import torch

from strategies.supernet.state import SearchState


def test_it_survives_json_to_the_last_bit():
    logits = {("normal", 2): torch.randn(2, 3), ("reduction", 3): torch.full((3, 3), 1 / 3)}
    state = SearchState([{"epoch": 1, "loss": 0.1}], [{"normal": [[["skip", 0], ["conv", 1]]]}], logits)
    again = SearchState.from_json(json.loads(json.dumps(state.to_json())))
    assert (again.records, again.derived) == (state.records, state.derived)
    assert again.logits.keys() == logits.keys()
    assert all(torch.equal(again.logits[node], logits[node]) for node in logits)
    assert again.logits["normal", 2].dtype == torch.float32
