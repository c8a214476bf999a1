import math

import pytest

from records.errors import UserError
from training.recipes.recipe import Recipe


def recipe(**changes):
    return Recipe(**({"name": "r", "epochs": 10, "batch_size": 8, "learning_rate": 0.4} | changes))


def test_one_cycle_rises_and_falls_along_lines():
    rate = recipe(schedule="one-cycle", warmup=0.2).learning_rate_at
    assert [rate(e) for e in (0, 1, 2, 6, 10)] == pytest.approx([0, 0.2, 0.4, 0.2, 0])


def test_steps_fall_tenfold_at_the_milestones():
    rate = recipe(schedule="steps", milestones=(0.5, 0.75)).learning_rate_at
    assert [rate(e) for e in (0, 4.99, 5, 7.49, 7.5)] == pytest.approx([0.4, 0.4, 0.04, 0.04, 0.004])


def test_cosine():
    rate = recipe(schedule="cosine").learning_rate_at
    assert [rate(e) for e in (0, 2.5, 5, 10)] == pytest.approx(
        [0.4, 0.2 * (1 + math.sqrt(0.5)), 0.2, 0], abs=1e-12
    )


def test_exponential_falls_in_stairs_after_a_warm_up():
    rate = recipe(schedule="exponential", factor=0.5, decay_every=2.4, warmup=1.0).learning_rate_at
    assert [rate(e) for e in (0.5, 1, 2.3, 2.5, 4.9)] == pytest.approx([0.2, 0.4, 0.4, 0.2, 0.1])


def test_constant():
    assert recipe(schedule="constant").learning_rate_at(7.3) == 0.4


def test_drop_path_rises_from_zero():
    assert [recipe(drop_path=0.2).drop_path_at(e) for e in (0, 5, 9)] == pytest.approx([0, 0.1, 0.18])
    assert recipe(drop_path=0.2, drop_path_by_depth=True).drop_path_at(0) == 0.2


@pytest.mark.parametrize(
    ("field", "value", "accepted"),
    [
        ("epochs", 0, "1 or more"),
        ("batch_size", 0, "1 image or more"),
        ("learning_rate", math.nan, "a finite number above 0"),
        ("learning_rate", -0.1, "a finite number above 0"),
        ("matrix_rate", math.inf, "a finite number above 0"),
        ("matrix_decay", -0.1, "0 or more"),
        ("optimizer", "lion", "one of sgd, adamw, rmsprop, muon"),
        ("schedule", "linear", "one of constant"),
        ("weight_decay", -1, "0 or more"),
        ("ema", 1.0, r"in \[0, 1\)"),
        ("clip_norm", 0, "above 0, or none"),
        ("milestones", (1.5,), "fractions"),
    ],
)
def test_what_cannot_work_is_named(field, value, accepted):
    with pytest.raises(UserError, match=f"recipe r: {field} is .*; accepted: {accepted}"):
        recipe(**{field: value})


def test_record_has_no_settings_of_another_optimiser():
    # so that a training begun before muon was known goes on
    assert not [name for name in recipe().to_json() if name.startswith("matrix_")]
    assert recipe(optimizer="muon").to_json()["matrix_rate"] == 0.25
