"""Networks judged on shared weights: a stop between two of them changes nothing."""

from strategies.multi_trial.random_search import RandomSearch
from strategies.shared_weights.exploring import explore
from strategies.shared_weights.judge import Judge
from strategies.shared_weights.store import SharedWeights
from tests.strategies.table import PROBLEM
from training.trial_settings import TrialSettings


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


def test_one_that_is_predicted_to_be_too_slow_is_not_judged(tmp_path):
    data = TrialSettings(train_limit=80).load()
    asked = []

    class Counting(Judge):
        def accuracy(self, genotype):
            asked.append(genotype.key())
            return super().accuracy(genotype)

    def judged():
        judge = Counting(SharedWeights(0, "cpu"), data)
        return explore(
            RandomSearch(PROBLEM, 0), judge, 6, tmp_path / "judged.jsonl", progress=False,
            latency=lambda genotype: genotype.cost().macs / 1000, max_latency=limit,
        )  # fmt: skip

    search = RandomSearch(PROBLEM, 0)
    costs = sorted(search.propose(index, []).cost().macs for index in range(6))
    limit = costs[2] / 1000
    found = judged()
    assert sorted(m.macs for m in found if m.status == "ok") == costs[:3]
    assert all(m.accuracy is None for m in found if m.status == "rejected")
    assert len(asked) == 3
    assert judged() == found
    assert len(asked) == 3
