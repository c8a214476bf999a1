"""Tables of the pages against what they tell of, and the links of the site."""

from __future__ import annotations

import dataclasses
import importlib.util
import re
from dataclasses import fields
from pathlib import Path

import pytest
import torch

from pde_ops.options import OPTIONS
from search_space import get_primitive, primitive_names, space_names
from search_space.genotype import VERSION
from strategies.registry import strategies, strategy_options
from tools import docs_pages

ROOT = Path(__file__).resolve().parents[2]


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text()


def test_every_strategy_is_told_of_with_its_own_words():
    rows = re.findall(
        r"^\| `([\w-]+)`(?: \(default\))? \| (one-shot|multi-trial) \| (.*?) \|",
        page("strategies.md"),
        re.MULTILINE,
    )
    built_in = {n: s for n, s in strategies().items() if s.__module__.startswith("strategies.")}
    kinds = {True: "one-shot", False: "multi-trial"}
    assert rows == [(name, kinds[strategy.one_shot], strategy.summary) for name, strategy in built_in.items()]


def test_every_setting_of_a_strategy_is_told_of_with_its_default():
    text = page("strategies.md")
    for name, (field, having) in strategy_options().items():
        option = f"`--{name.replace('_', '-')}`"
        rows = re.findall(rf"^\| {option} \| (.*?) \|", text, re.MULTILINE)
        # A record of settings that several strategies share is told of once.
        records = {id(f) for n in having for f in fields(strategies()[n].Settings) if f.name == name}
        assert len(rows) == len(records), option
        used = field.default if field.default is not None else field.metadata["used"]()
        assert set(rows) == {str(used)}, option


def test_every_space_is_told_of():
    for name in space_names():
        assert f"`{name}`" in page("spaces.md"), name


def test_every_option_of_the_layer_is_told_of():
    defaults = {}
    for names, values in re.findall(r"^\| (`.*?) \| (.*?) \| .* \|$", page("layer.md"), re.MULTILINE):
        told = [value.strip("`") for value in values.split(", ")]
        defaults |= dict(zip(re.findall(r"`(\w+)`", names), told, strict=True))
    assert defaults.pop("init") == "None"
    assert defaults == {
        option.name: "needed" if option.default is dataclasses.MISSING else str(option.default)
        for option in OPTIONS
    }


def test_every_primitive_is_told_of():
    for name in primitive_names():
        kind, _, steps = name.rpartition("_")
        assert f"`{name}`" in page("spaces.md") or (steps in "135" and f"`{kind}_K`" in page("spaces.md")), (
            name
        )


def test_the_changelog_has_the_version_of_genotypes():
    assert f"| genotype | {VERSION} |" in (ROOT / "CHANGELOG.md").read_text()


@pytest.mark.parametrize(
    ("before", "where", "after"),
    [
        ("[a](docs/layer.md#the-scheme)", "index.md", "[a](layer.md#the-scheme)"),
        ("![a](../results/x/b.png)", "layer.md", "![a](results/x/b.png)"),
        ("[a](../README.md)", "layer.md", "[a](index.md)"),
        ("[a](../layer.md)", "api/pde_ops.md", "[a](../layer.md)"),
        ("[a](../published/README.md)", "results/kernels/README.md", "[a](../published/README.md)"),
        ("see [a](digits).", "results/first-search/README.md", "see a."),
        ("[MIT](LICENSE)", "index.md", "MIT"),
        ("[a](#here) [b](https://c.org/d)", "layer.md", "[a](#here) [b](https://c.org/d)"),
    ],
)
def test_links_lead_to_pages_of_the_site(before, where, after):
    assert docs_pages.relinked(before, where) == after


def test_every_page_of_the_api_names_what_there_is():
    for path in (ROOT / "docs" / "api").glob("*.md"):
        for name in re.findall(r"^::: ([\w.]+)$", path.read_text(), re.MULTILINE):
            module, _, last = name.rpartition(".")
            found = importlib.import_module(module) if module else None
            assert found is None or hasattr(found, last), name


@pytest.mark.skipif(
    not (importlib.util.find_spec("mkdocs") and importlib.util.find_spec("mkdocstrings")),
    reason="the documentation's tools are not installed: `make docs` installs them",
)
def test_the_site_is_built(tmp_path):
    from mkdocs.commands.build import build
    from mkdocs.config import load_config

    config = load_config(str(ROOT / "mkdocs.yml"), site_dir=str(tmp_path), strict=True)
    build(config)
    start = (tmp_path / "index.html").read_text()
    assert 'href="layer.html"' in start
    assert "Parameters" in (tmp_path / "api" / "pde_ops.html").read_text()


CANDIDATES = re.findall(
    r"^\| `(global_\w+)` \| .*? \| (.*?) \| (.*?) \| (.*?) \|$", page("candidates.md"), re.MULTILINE
)


def in_numbers(formula: str, **values: int) -> int:
    """What a formula of the page, "43 + 7 K" say, is for the values of its letters."""
    text = re.sub(r"(?<=[\w)]) (?=[A-Z(])", " * ", formula.replace("²", "**2"))
    return eval(text, {}, values)


@pytest.mark.parametrize(
    ("name", "reach", "macs", "params"), CANDIDATES, ids=lambda text: text.split("_K")[0]
)
def test_a_candidate_is_told_of_with_what_it_costs_and_how_far_it_reaches(name, reach, macs, params):
    for steps in (1, 3) if name.endswith("_K") else (1,):
        letters = {"K": steps, "C": 6, "H": 24, "W": 20}
        primitive = get_primitive(name.replace("_K", f"_{steps}"))
        cost = primitive.cost(6, 1, (24, 20))
        assert in_numbers(macs, **letters) * 6 * 24 * 20 == cost.macs
        assert in_numbers(params, **letters) == cost.params
        assert measured_reach(primitive) == (23 if reach == "the whole map" else in_numbers(reach, **letters))


def measured_reach(primitive) -> int:
    """The most rows away at which a change of row 24 of 48 shows, in one of several random layers; at most 23."""
    furthest = 0
    for seed in range(3):
        torch.manual_seed(seed)
        module = primitive(6, 1).double().train()
        if hasattr(module.layer, "log_time"):  # longer, lest what comes from afar be lost in rounding
            module.layer.log_time.data += 3
        x = torch.rand(4, 6, 48, 20, dtype=torch.double)
        module(x)
        module.eval()
        moved = x.clone()
        moved[:, :, 24] += 1
        with torch.no_grad():
            changed = (module(moved) - module(x)).abs().amax((0, 1, 3)) > 0
        furthest = max(furthest, int((changed.nonzero().flatten() - 24).abs().max()))
    return min(furthest, 23)


def test_every_global_layer_is_a_candidate():
    named = {re.sub(r"_[135]$", "_K", name) for name in primitive_names() if name.startswith("global")}
    assert named == {name for name, *_ in CANDIDATES}
