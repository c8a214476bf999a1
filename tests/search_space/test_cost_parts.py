"""Where in a network its cost is."""

import pytest

from pde_ops.cost import Cost
from records.errors import UserError
from search_space import sample
from search_space.cost_parts import cost_parts


@pytest.mark.parametrize("space", ["darts-global", "resnet-global", "tiny-global", "mnist-global"])
def test_parts_add_up_to_the_whole(space):
    genotype = sample(space, 1, image=(1, 28, 28))
    parts = cost_parts(genotype)
    assert sum((part.cost for part in parts), start=Cost()) == genotype.cost()
    assert len(parts) > 2
    assert all(0 <= part.of_global.macs <= part.cost.macs for part in parts)


def test_of_cells_of_global_layers_alone_nearly_all_is_theirs():
    cells = sample("darts-global", 0, image=(1, 8, 8), width=8, cells=3, primitives=["global_3"])
    none = sample("darts-global", 0, image=(1, 8, 8), width=8, cells=3, primitives=["sep_conv_3x3"])
    in_cells = [part for part in cost_parts(cells) if part.name.startswith("cells.")]
    assert [part.kind for part in in_cells] == ["Cell"] * 3
    assert all(part.of_global.macs > part.cost.macs / 2 for part in in_cells)
    assert all(part.of_global == Cost() for part in cost_parts(none))


def test_what_cannot_be_counted_says_so_in_a_line():
    with pytest.raises(UserError, match="operator aten::\\w+ has no cost formula"):
        cost_parts(sample("ode-baseline", 0, image=(1, 28, 28)))
