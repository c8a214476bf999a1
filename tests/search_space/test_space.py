"""The registry of spaces, and what a space makes of a problem."""

import itertools
import random
from dataclasses import dataclass

import pytest

from search_space import (
    Decision,
    Genotype,
    GenotypeError,
    Problem,
    Space,
    UserError,
    get_space,
    mutate,
    register_space,
    sample,
    space_names,
)
from search_space.space import _SPACES


def test_a_problems_settings_are_made_once():
    space = get_space("darts-global")
    problem = Problem("darts-global", {"width": 4}, (3, 32, 32), 10)
    whole = space.completed(problem)
    assert whole is space.completed(problem) is space.completed(whole)
    assert space.settings_of(problem) is space.settings_of(whole)
    assert whole.settings == space.settings_json(space.make_settings({"width": 4}))
    assert Genotype.of(problem, sample("darts-global", 0).architecture).problem is whole


def test_settings_that_cannot_be_are_said_when_the_space_takes_the_problem():
    problem = Problem("darts-global", {"widht": 4}, (3, 32, 32), 10)
    with pytest.raises(UserError, match="'widht' is no setting of darts-global; accepted: width"):
        get_space("darts-global").settings_of(problem)


@pytest.mark.parametrize("space", space_names())
def test_a_list_or_an_object_among_a_lists_items_is_told_by_name(space):
    settings = get_space(space).settings_json(get_space(space).make_settings({}))
    lists = [name for name, value in settings.items() if isinstance(value, (list, tuple))]
    for name, item in itertools.product(lists, ([4, 8], {"a": 1}, None)):
        with pytest.raises(UserError, match=f"^({name} |every item of {name} |.*{name})"):
            get_space(space).make_settings({name: [item]})


def test_a_space_that_is_registered_works_as_the_others_do():
    class One(Space):
        name = "one"

        @dataclass(frozen=True)
        class Settings:
            width: int = 2

        def decisions(self, problem):
            return [Decision("depth", (1,))]

        def assemble(self, problem, choices):
            return {"depth": choices["depth"]}

        def choices(self, problem, architecture):
            return dict(architecture)

        build = cost = model_space = None

    try:
        register_space(One)
        assert space_names()[-1] == "one"
        genotype = sample("one", 0)
        assert genotype.architecture == {"depth": 1}
        assert genotype.settings == {"width": 2}
        with pytest.raises(UserError, match="one architecture; nothing can be mutated"):
            mutate(genotype, random.Random(0))
        for architecture, message in (({}, "lacks depth"), ({"depth": 2}, "depth is 2; accepted: 1")):
            with pytest.raises(GenotypeError, match=message):
                Genotype("one", (3, 8, 8), 10, {}, architecture)
    finally:
        _SPACES.pop("one", None)
