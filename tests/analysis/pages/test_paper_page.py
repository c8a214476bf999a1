"""The page of the paper's rows: what stands in it, and that the documentation has it as it is now."""

import dataclasses
from pathlib import Path

import pytest

from analysis.pages.paper_page import longest, paper_page, write_page
from analysis.training import summaries
from records.errors import UserError
from search_space.paper.ablation_rows import ablation_rows
from search_space.paper.rows import rows
from tests.analysis.test_training import training

ROOT = Path(__file__).parents[3]


def test_the_documentations_page_is_the_commands(tmp_path):
    page = write_page(tmp_path / "rows.md", ROOT / "results/published/trainings.jsonl")
    assert page.read_text() == (ROOT / "docs/rows.md").read_text(), (
        "python run_search.py published --page docs/rows.md --trained results/published/trainings.jsonl"
    )


@pytest.fixture(scope="module")
def ablations():
    return ablation_rows()


def test_every_row_and_every_ablation_has_a_line(ablations):
    poster = rows()
    lines = [line for line in paper_page(poster, ablations).splitlines() if line.startswith("| ")]
    assert len(lines) == len(poster) + len(ablations) + 4  # two headings with their rules
    assert {line.count(" | ") for line in lines[: len(poster) + 2]} == {10}
    assert "not reachable" not in "".join(lines)


def test_the_longest_training_on_the_whole_data_set_counts():
    base = dataclasses.replace(training(), network="ResNet-Global", dataset="cifar10", train_limit=None)
    long = [dataclasses.replace(base, epochs=base.epochs + 1, seed=seed) for seed in (0, 1)]
    part = dataclasses.replace(base, epochs=base.epochs + 9, train_limit=100)
    found = longest(summaries([base, *long, part]))
    assert list(found) == [("ResNet-Global", "CIFAR-10")]
    assert found["ResNet-Global", "CIFAR-10"].trainings == tuple(long)
    page = paper_page(rows(), [], summaries([base, *long, part]))
    row = next(line for line in page.splitlines() if line.startswith("| baseline-cifar10 | ResNet-Global |"))
    assert f"± 0.00 (n = 2, {base.recipe}, {base.epochs + 1} epochs)" in row


def test_a_file_of_no_trainings_is_named(tmp_path):
    (tmp_path / "t.jsonl").write_text('{"network": "ResNet-32"}\n')
    with pytest.raises(UserError, match="line 1 of .* is not a training's"):
        write_page(tmp_path / "page.md", tmp_path / "t.jsonl")
    with pytest.raises(UserError, match="cannot read"):
        write_page(tmp_path / "page.md", tmp_path / "none.jsonl")
