import csv
from pathlib import Path

import pytest
import torch
from torch import nn

import run_search
from search_space import UserError, get_space
from search_space.families.family import total_cost
from search_space.paper.placements import placements, placements_table, write_csv
from search_space.primitives.kinds import PRIMITIVES

# poster's parameters and published MACs, placements that match
EXPECTED = {
    "MBV2-Global": (1_600_000, 193_000_000, 1_026),
    "MBV3-Global": (3_000_000, 156_000_000, 1_009),
    "EfficientNet-B0-Global": (2_400_000, 244_000_000, 1_742),
}
CLASSIFIER = (1280 * 1000 + 1000, 1280 * 1000)  # parameters and MACs of the last linear layer of each
SPACES = ("mobilenet-v2-global", "mobilenet-v3-global", "efficientnet-b0-global")


@pytest.mark.parametrize("name", EXPECTED)
def test_placements_match_the_poster(name: str) -> None:
    params, macs, count = EXPECTED[name]
    found = placements(name)
    assert (found.count, found.with_classifier) == (count, 0)
    assert len({placement.bodies() for placement in found.placements}) == count
    for placement in found.placements:
        cost = placement.genotype.cost()
        assert (placement.whole_params, placement.whole_macs_published) == (cost.params, cost.macs_published)
        assert placement.params == cost.params - CLASSIFIER[0]
        assert placement.macs_published == cost.macs_published - CLASSIFIER[1]
        assert placement.params == pytest.approx(params, rel=0.02)
        assert placement.macs_published == pytest.approx(macs, rel=0.02)
        assert "first_block" not in placement.bodies()
    lines = placements_table(found).splitlines()
    assert lines[0].startswith(f"{count:,} placements match, 0 of them with the classifier counted")
    assert len(lines) == 22
    best = found.placements[0]
    assert lines[2].split()[:2] == [f"{best.params:,}", f"{best.macs_published:,}"]
    assert lines[2].split()[4:6] == [f"{best.whole_params:,}", f"{best.whole_macs_published:,}"]


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("kind", PRIMITIVES)
def test_a_layer_around_the_first_block_is_one_after_it(space: str, kind: str) -> None:
    """Why ``+first_block`` is not counted: the same outputs, gradients and costs in every stage."""
    found = get_space(space)
    settings = found.make_settings({})
    width = found.network.stem
    for stage in found.network.stages:
        results = []
        for body in (f"{kind}_1", f"{kind}_1+first_block"):
            parts = found.stage_parts(settings, stage, width, stage.channels, body)
            torch.manual_seed(0)
            network = nn.Sequential(*[part.make() for part in parts])
            out = network(torch.randn(2, width, 6, 6))
            gradients = torch.autograd.grad(out.square().sum(), list(network.parameters()))
            results.append((total_cost(parts, (6, 6)), [out, *gradients]))
        (cost, tensors), (other_cost, others) = results
        assert cost == other_cost
        assert all(torch.equal(a, b) for a, b in zip(tensors, others, strict=True))
        width = stage.channels


def test_file(tmp_path: Path) -> None:
    found = placements("MBV2-Global")
    with write_csv(found, tmp_path / "placements.csv").open() as file:
        read = list(csv.DictReader(file))
    assert len(read) == 1026
    for line, placement in zip(read, found.placements, strict=True):
        assert int(line["params"]) == placement.params
        assert float(line["macs_difference"]) == placement.macs_difference
        assert line["classifier"] == "False"
        assert int(line["whole_params"]) == placement.params + CLASSIFIER[0]
        assert line["stages"] == placement.bodies()
    with pytest.raises(UserError, match="cannot write .*: No such file"):
        write_csv(found, tmp_path / "nowhere" / "placements.csv")
    with pytest.raises(UserError, match="; free space or choose another folder"):
        write_csv(found, "/dev/full")


def test_command(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "placements.csv"
    assert run_search.main(["published", "--placements", "mbv2-GLOBAL", "--csv", str(path)]) == 0
    out = capsys.readouterr().out
    assert out == f"{placements_table(placements('MBV2-Global'))}\nwritten: {path}\n"
    assert len(path.read_text().splitlines()) == 1027


@pytest.mark.parametrize("name", ["MBV2", "", None])
def test_other_names(name: str) -> None:
    with pytest.raises(UserError, match=f"name is {name!r}; accepted: MBV2-Global"):
        placements(name)
