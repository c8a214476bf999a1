import pytest

from search_space import UserError
from search_space.placements import placements, table


def test_placements_match_the_poster() -> None:
    found = placements("MBV3-Global", limit=5)
    assert found.count == 5145
    assert len(found.best) == 5
    for placement in found.best:
        cost = placement.genotype.cost()
        linear = 0 if placement.classifier else 1280 * 1000 + 1000
        assert (placement.params, placement.macs_published) == (cost.params - linear, cost.macs_published)
        assert placement.params == pytest.approx(3_000_000, rel=0.02)
        assert placement.macs_published == pytest.approx(156_000_000, rel=0.02)
    assert len(table(found).splitlines()) == 6


def test_other_names() -> None:
    with pytest.raises(UserError, match="name is 'MBV2'; accepted: MBV2-Global"):
        placements("MBV2")
