"""A problem as a value."""

import json

import pytest

from search_space import Problem, UserError

SETTINGS = {"widths": (4, 8), "start": "small"}


def test_it_is_plain_and_survives_json():
    problem = Problem("resnet-global", SETTINGS, [3, 32, 16], 10)
    assert (problem.image, problem.settings) == ((3, 32, 16), {"widths": [4, 8], "start": "small"})
    assert Problem.from_json(json.loads(json.dumps(problem.to_json()))) == problem


def test_equal_problems_have_equal_hashes_and_others_differ():
    problem = Problem("resnet-global", SETTINGS, (3, 32, 32), 10)
    assert {problem: 1}[Problem("resnet-global", {**SETTINGS}, (3, 32, 32), 10)] == 1
    for other in (
        Problem("densenet-global", SETTINGS, (3, 32, 32), 10),
        Problem("resnet-global", {"start": "small"}, (3, 32, 32), 10),
        Problem("resnet-global", SETTINGS, (1, 32, 32), 10),
        Problem("resnet-global", SETTINGS, (3, 32, 32), 100),
    ):
        assert other != problem


def test_it_keeps_a_copy_of_the_settings():
    given = {"widths": [4]}
    problem = Problem("resnet-global", given, (3, 32, 32), 10)
    given["widths"].append(8)
    assert problem.settings == {"widths": [4]}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"image": (3, 32)}, r"image is \(3, 32\); accepted: \[channels, height, width\]"),
        ({"image": (3, 0, 32)}, "image's height is 0; accepted"),
        ({"classes": 1}, "classes is 1; accepted"),
        ({"settings": []}, r"settings is \[\]; accepted: an object"),
        ({"settings": {"width": float("nan")}}, "settings holds nan; accepted"),
    ],
)
def test_what_cannot_be_is_named(changed, message):
    fields = {"space": "darts-global", "settings": {}, "image": (3, 32, 32), "classes": 10}
    with pytest.raises(UserError, match=message):
        Problem(**{**fields, **changed})
