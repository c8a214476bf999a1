import pytest

from analysis.pictures.drawing import Operation, cell_operations, draw_genotype, drawing_png
from records.errors import UserError
from search_space import published, sample

CELLS = sample("darts-global", 0, image=(1, 8, 8), width=4, cells=3)


def test_the_operations_of_a_cell():
    nodes = [[["skip_connect", 0], ["global_3", 1]], [["sep_conv_3x3", 2], ["global_1", 0]]]
    found = cell_operations(nodes)
    assert found == [
        Operation("skip_connect", 0, 2), Operation("global_3", 1, 2),
        Operation("sep_conv_3x3", 2, 3), Operation("global_1", 0, 3),
    ]  # fmt: skip
    assert [operation.is_global for operation in found] == [False, True, False, True]


@pytest.mark.parametrize("genotype", [CELLS, published("ResNet-Global")], ids=["cells", "decisions"])
def test_equal_genotypes_give_equal_pictures(genotype, tmp_path):
    assert drawing_png(genotype) == drawing_png(genotype)
    assert draw_genotype(genotype, tmp_path / "a.svg").read_text().startswith("<?xml")
    with pytest.raises(UserError, match=r"a\.txt.*accepted"):
        draw_genotype(genotype, tmp_path / "a.txt")
