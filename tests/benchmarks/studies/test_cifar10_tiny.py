"""The study of tiny networks on CIFAR-10: what is trained, and what is said of it."""

import pytest

from benchmarks.studies import cifar10_tiny as study
from records.errors import UserError
from search_space import sample


@pytest.fixture(scope="module")
def found():
    """A network within the budget."""
    for seed in range(200):
        genotype = sample("tiny-global", seed)
        cost = genotype.cost()
        if cost.params <= study.MAX_PARAMS and 1_500_000 < cost.macs_published < 3_400_000:
            return genotype
    raise AssertionError


def test_random_ones_have_its_macs_and_keep_the_budget(found):
    made = study.cases({"found": found})
    first = [(name, seed) for seed in (0, 1, 2) for name in ("found", study.BASELINE, study.CHANCE)]
    assert list(made) == [*first, (study.CHANCE, 3), (study.CHANCE, 4)]
    chance = [genotype for (name, _), genotype in made.items() if name == study.CHANCE]
    assert len({genotype.key() for genotype in [found, *chance]}) == 6
    for genotype in chance:
        study.require_within("random", genotype)
        assert genotype.cost().macs == pytest.approx(found.cost().macs, rel=0.05)
        assert genotype.cost().params >= 0.85 * found.cost().params


def test_what_is_above_the_budget_is_refused():
    with pytest.raises(
        UserError, match=r"big has [\d,]+ parameters and [\d,]+ MACs .*; accepted: at most 16,000 and"
    ):
        study.cases({"big": sample("tiny-global", 0, widths=[96])})


def test_the_gain_has_welchs_interval():
    """By hand: variances 1 and 4 of three each, so the error is sqrt(5/3) with 2.94 degrees of freedom; the quantile of these lies between
    those of 2 (4.303) and of 3 (3.182)."""
    difference, half = study.gain([9.0, 10.0, 11.0], [3.0, 5.0, 7.0])
    assert difference == pytest.approx(5)
    assert half == pytest.approx(3.2192 * (5 / 3) ** 0.5, rel=1e-3)
    assert study.gain([1.0, 1.0], [2.0, 2.0]) == (-1.0, 0.0)


def test_the_page_has_each_networks_mean_and_the_gains():
    def record(name, seed, accuracy, params=9):
        return {
            "name": name,
            "seed": seed,
            "test_accuracy": accuracy,
            "params": params,
            "macs": 8,
            "macs_published": 7,
        }

    text = study.report(
        [record("found", s, 0.86 + s / 1000) for s in range(3)] + [record(study.BASELINE, s, 0.8 + s / 1000) for s in range(3)]
        + [record("random", s, 0.83 + s / 100, params=9 + s) for s in range(2)]
    )  # fmt: skip
    assert "| found | 86.10 ± 0.10 | 3 | 9 | 8 | 7 |" in text
    assert "| random | 83.50 ± 0.71 | 2 | 9 to 10 | 8 | 7 |" in text
    assert "found gains +6.00 ± 0.23 points on ResNet-Global-Tiny" in text
    assert "found gains +2.60" in text


def test_a_training_is_a_retraining_in_a_folder_of_its_own(found, tmp_path, monkeypatch):
    asked = []

    def retrain(genotype, settings, folder, progress):
        asked.append(
            (settings.seed, settings.recipe.name, settings.recipe.epochs, settings.validation, folder.name)
        )
        return {"test_accuracy": 0.5, "params": 1, "macs": 2, "macs_published": 3, "seconds": 4.0}

    monkeypatch.setattr(study, "retrain", retrain)
    for case in (("found", 2), ("random", 3)):
        record = study.train(case, found, 40, "data", tmp_path)
        assert (record["name"], record["seed"], record["test_accuracy"]) == (*case, 0.5)
    assert asked == [(2, "fast", 40, 0.0, "found-40-2"), (0, "fast", 40, 0.0, "random-40-3")]
