from hypothesis import given
from hypothesis import strategies as st

from analysis.front import front
from tests.analysis.samples.runs import FIVE, measurement

POINTS = st.lists(st.tuples(st.integers(0, 6), st.integers(1, 6)), max_size=12)


def test_the_front_of_a_known_set():
    assert [m.index for m in front(FIVE)] == [0, 2, 4]
    assert front([]) == []


def test_equals_are_kept_together():
    twins = [measurement(0, 0.5, 100), measurement(1, 0.5, 100), measurement(2, 0.5, 101)]
    assert [m.index for m in front(twins)] == [0, 1]


@given(POINTS)
def test_the_front_is_what_nothing_dominates(points):
    all_ = [measurement(i, a / 6, m) for i, (a, m) in enumerate(points)]

    def dominates(p, q):
        return p.accuracy >= q.accuracy and p.macs <= q.macs and (p.accuracy, p.macs) != (q.accuracy, q.macs)

    expected = {q.index for q in all_ if not any(dominates(p, q) for p in all_)}
    assert {m.index for m in front(all_)} == expected
