import matplotlib
import pytest

from analysis.pictures.canvas import new_figure, png, save, style, svg
from records.errors import UserError


def drawn():
    figure = new_figure(2, 1)
    figure.text(0.1, 0.5, "a name with $ and _")
    return figure


@pytest.mark.parametrize("make", [png, svg])
def test_files_depend_on_what_is_drawn_alone(make):
    with style():
        first = make(drawn())
    with matplotlib.rc_context({"font.size": 33, "font.family": "serif"}), style():
        second = make(drawn())
    assert first == second
    assert b"Matplotlib" not in first.replace(b"Matplotlib.org", b"")[:200]


def test_the_users_settings_are_as_before():
    before = dict(matplotlib.rcParams)
    with style():
        assert matplotlib.rcParams["font.size"] == 9.5
    assert dict(matplotlib.rcParams) == before


def test_another_format_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"picture is 'a\.gif'; accepted: a name that ends in \.png or \.svg"):
        save(drawn(), tmp_path / "a.gif")


def test_a_name_in_any_letters_is_drawn_without_a_word(recwarn):
    with style():
        figure = new_figure(2, 1)
        figure.text(0.1, 0.5, "\u65e5\u672c \u0939 \ue000")
        assert png(figure)
    assert not recwarn.list
