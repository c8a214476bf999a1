"""What an architecture holds, read from its JSON alone."""

import pytest

from search_space import sample
from search_space.contents import global_share, is_global, places


def test_the_edges_of_cells_count_one_each():
    cells = {
        "normal": [[["global_3", 0], ["skip_connect", 1]]],
        "reduction": [[["none", 0], ["global_1", 1]]],
    }
    assert list(places(cells)) == [("global_3",), ("skip_connect",), ("global_1",)]
    assert global_share(cells) == pytest.approx(2 / 3)


def test_what_stands_after_the_stages_counts_beside_the_cells():
    cells = {"normal": [[["sep_conv_3x3", 0]]], "size": {"width": 8, "after": ["none", "global_open_3"]}}
    assert global_share(cells) == 1 / 2


def test_a_stage_counts_once_whatever_it_names_and_without_a_global_layer_too():
    stages = {
        "multiplier": 2,
        "stage1": {"width": 8, "layer": "global_5+basic_block"},
        "stage2": {"width": 8, "operator": "depthwise_3x3+global_1", "squeeze": "quarter"},
        "stage3": {"width": 8, "operator": "depthwise_3x3", "squeeze": "none"},
        "stage4": {"width": 8, "layer": "none"},
    }
    assert global_share(stages) == 2 / 4


def test_choices_for_the_whole_network_are_places_of_their_own():
    assert global_share({"cells": 4, "place1": "global_5+cell", "place2": "none"}) == 1 / 2


@pytest.mark.parametrize("damaged", [{}, [], None, 3, {"normal": [[[None, 0]], [], {}], "width": 3}])
def test_what_names_nothing_has_no_share(damaged):
    assert global_share(damaged) is None


def test_a_name_is_global_by_one_of_its_parts():
    assert [is_global(name) for name in ("global_3", "conv+global_1", "not_global_3", "skip_connect")] == [
        True, True, False, False,
    ]  # fmt: skip


@pytest.mark.parametrize("space", ["darts-global", "resnet-global", "tiny-global", "darts-network-global"])
def test_drawn_architectures_have_different_shares(space):
    shares = [global_share(sample(space, seed, image=(1, 28, 28)).architecture) for seed in range(12)]
    assert len(set(shares)) > 1
    assert all(0 <= share <= 1 for share in shares)
