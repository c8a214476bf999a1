"""Settings from text, for every space."""

from __future__ import annotations

import pytest

from search_space import UserError, get_space, space_names
from search_space.setting_text import parse_settings, settings_help


def test_values_have_their_settings_types():
    text = "stages=3 widths=8,16 layers=none,global_5+basic_block bias=true"
    found = parse_settings("resnet-global", text)
    assert found == {
        "stages": 3, "widths": [8, 16], "layers": ["none", "global_5+basic_block"], "bias": True,
    }  # fmt: skip
    made = get_space("resnet-global").make_settings(found)
    assert (made.stages, made.widths, made.bias) == (3, (8, 16), True)
    assert parse_settings("mobilenet-v2-global", "widths=0.5,1 dropout=0.1") == {
        "widths": [0.5, 1.0], "dropout": 0.1,
    }  # fmt: skip
    assert parse_settings("resnet-global", "widths=8") == {"widths": [8]}
    assert parse_settings("resnet-global", None) == {}


def test_nested_lists_are_json():
    nodes = '[[["skip_connect",0],["sep_conv_3x3",1]]]'
    found = parse_settings("darts-network-global", f"normal={nodes} reduction={nodes}")
    made = get_space("darts-network-global").make_settings(found)
    assert made.normal == ((("skip_connect", 0), ("sep_conv_3x3", 1)),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("stage=3", "'stage' is no setting of resnet-global; accepted: stages, widths, blocks"),
        ("stages", r"setting is 'stages'; accepted: NAME=VALUE, such as stages=4"),
        ("stages=", "setting is 'stages='; accepted: NAME=VALUE"),
        ("=3", "setting is '=3'; accepted: NAME=VALUE"),
        ("stages=x", "setting stages is 'x'; accepted: whole numbers"),
        ("widths=8,x", "setting widths is 'x'; accepted: whole numbers"),
        ("bias=maybe", "setting bias is 'maybe'; accepted: true or false"),
        ("stages=3 stages=4", "setting stages is given twice"),
        ("widths=[8", r"setting widths is '\[8'; accepted: JSON"),
    ],
)
def test_mistakes_are_told_in_one_line(text, message):
    with pytest.raises(UserError, match=message) as told:
        parse_settings("resnet-global", text)
    assert "\n" not in str(told.value)


def test_an_example_is_whole():
    with pytest.raises(UserError, match="NAME=VALUE, such as bias=false") as told:
        parse_settings("darts-network-global", "x")
    parse_settings("darts-network-global", str(told.value).rpartition("such as ")[2])


def test_a_space_without_settings_says_so():
    with pytest.raises(UserError, match="'a' is no setting of timm-network; accepted: none, it has no"):
        parse_settings("timm-network", "a=1")


@pytest.mark.parametrize("space", space_names())
def test_what_the_help_shows_can_be_given(space):
    lines = settings_help(space).splitlines()
    assert lines[0] == space
    assert lines[-1].startswith("  decisions: ")
    pairs = [line.strip() for line in lines[1:-1] if line.startswith("  ") and line[2] != " "]
    assert len(pairs) == len(lines[1:-1]) // 2
    made = get_space(space).make_settings(parse_settings(space, " ".join(pairs)))
    assert made == get_space(space).make_settings({})
