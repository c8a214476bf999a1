"""Networks judged on shared weights: a stop between two of them changes nothing."""

from strategies.multi_trial.random_search import RandomSearch
from strategies.shared_weights.exploring import explore
from strategies.shared_weights.judge import Judge
from strategies.shared_weights.store import SharedWeights
from tests.strategies.table import PROBLEM
from training.trial import TrialSettings


def test_one_killed_and_resumed_judges_weights_that_no_training_met_alike(tmp_path):
    data = TrialSettings(train_limit=80).load()

    def judged(count):
        judge = Judge(SharedWeights(0, "cpu"), data)
        found = explore(RandomSearch(PROBLEM, 0), judge, count, tmp_path / "judged.jsonl", progress=False)
        return [m.accuracy for m in found], {n: float(w.sum()) for n, w in judge.shared.state().items()}

    whole = judged(6)
    lines = (tmp_path / "judged.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "judged.jsonl").write_text("".join(lines[:3]))
    assert judged(6) == whole
