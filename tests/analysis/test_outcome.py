import csv
import json

import pytest

from analysis import chosen_genotype, outcome, report, write_outcome
from records.errors import UserError
from records.files import write_whole
from search_space import Genotype
from tests.analysis.samples.runs import FIVE, make_run, measurement
from tests.analysis.samples.supernets import EQUAL, write_epochs


def test_a_run_leaves_its_front_and_its_best(tmp_path):
    run = make_run(tmp_path / "run", FIVE)
    outcome = write_outcome(run)
    assert [line.split()[:3] for line in outcome.table.splitlines()[2:5]] == [
        ["50.00", "1.00k", "0"], ["70.00", "2.00k", "20"], ["80.00", "9.00k", "40"],
    ]  # fmt: skip
    assert "Best: candidate 4, 80.00% validation accuracy" in outcome.table
    assert str(run) in outcome.table
    with (run / "front.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(r["index"], float(r["accuracy_percent"]), int(r["macs"])) for r in rows] == [
        ("0", 50.0, 1000), ("2", 70.0, 2000), ("4", 80.0, 9000),
    ]  # fmt: skip
    assert Genotype.load(run / "best.json").to_json() == FIVE[4].genotype
    numbers = json.loads((run / "outcome.json").read_text())
    assert (numbers["accuracy"], numbers["macs"], numbers["failed"]) == (0.8, 9000, 1)
    # Columns of the staircase up to 9900 MACs, over full accuracy times 9900.
    expected = (0.5 * 8900 + 0.2 * 7900 + 0.1 * 900) / 9900
    assert numbers["hypervolume"] == pytest.approx(expected)
    assert numbers["warning"] is None
    assert "5.0 s of training: 5 candidates." in outcome.table
    assert outcome.folder == run
    assert [m.index for m in outcome.front] == [0, 2, 4]
    assert outcome.best == FIVE[4]
    assert outcome.genotype.to_json() == FIVE[4].genotype
    assert outcome.hypervolume == numbers["hypervolume"]
    for name in ("front.png", "best.png"):
        assert (run / name).read_bytes().startswith(b"\x89PNG")


def test_a_budget_decides_the_best(tmp_path):
    run = make_run(tmp_path / "run", FIVE, max_macs=3000)
    assert "candidate 2" in write_outcome(run, max_macs=3000).table
    assert chosen_genotype(run).to_json() == FIVE[2].genotype
    with pytest.raises(UserError, match="max_macs is 500, but no candidate .* the smallest has 1,000"):
        write_outcome(run, max_macs=500)


def test_written_again_it_is_the_same(tmp_path):
    run = make_run(tmp_path / "run", FIVE)
    write_outcome(run)
    before = {path.name: path.read_bytes() for path in run.iterdir() if path.is_file()}
    report([run], out=run)
    assert {path.name: path.read_bytes() for path in run.iterdir() if path.is_file()} == before


def test_a_report_does_not_say_that_the_search_has_ended(tmp_path):
    run = make_run(tmp_path / "run", FIVE)
    outcome = report([run], out=run)
    assert "outcome.json" not in outcome.table
    assert (run / "front.csv").is_file()
    assert not (run / "outcome.json").exists()
    (run / "outcome.json").write_text("the search's own")
    report([run], out=run)
    assert (run / "outcome.json").read_text() == "the search's own"


def test_several_runs_are_drawn_over_each_other(tmp_path):
    one = make_run(tmp_path / "a" / "run", FIVE[:2])
    two = make_run(tmp_path / "b" / "run", FIVE[2:])
    outcome = report([one, two], out=tmp_path / "both")
    assert (outcome.best, outcome.genotype, outcome.folder) == (None, None, tmp_path / "both")
    assert [m.index for m in outcome.front] == [0, 2, 4]
    assert "a/run" in outcome.table
    assert "b/run" in outcome.table
    page = (tmp_path / "both" / "comparison.html").read_text()
    assert "a/run" in page
    # To 9900 MACs: 0.5 * 8900 of one; 0.7 * 7900 + 0.1 * 900 of the other.
    assert f"{100 * 0.5 * 8900 / 9900:.2f}" in outcome.table.split("hypervolume %")[1]
    assert f"{100 * (0.7 * 7900 + 0.1 * 900) / 9900:.2f}" in outcome.table.split("hypervolume %")[1]
    with (tmp_path / "both" / "comparison.csv").open() as file:
        assert [row["run"] for row in csv.DictReader(file)] == ["a/run", "b/run", "b/run"]


def test_a_comparison_leaves_a_runs_own_report_alone(tmp_path):
    one = make_run(tmp_path / "one", FIVE[:2])
    two = make_run(tmp_path / "two", FIVE[2:])
    write_outcome(one)
    before = {path.name: path.read_bytes() for path in one.iterdir() if path.is_file()}
    report([one, two], out=one)
    assert {name: (one / name).read_bytes() for name in before} == before
    with pytest.raises(UserError, match="one is named twice"):
        report([one, two, one], out=tmp_path / "both")


def test_rejected_candidates_are_not_counted_as_trained(tmp_path):
    slow = [measurement(index, None, 20, status="rejected", latency=9.0, seconds=0.5) for index in (5, 6)]
    told = write_outcome(make_run(tmp_path / "run", [*FIVE, *slow], max_latency=2.0)).table
    assert "\n6.0 s: 5 candidates 5.0 s, 2 rejected without training 1.0 s.\n" in told


def test_a_comparison_is_made_without_a_run_of_which_nothing_was_judged(tmp_path):
    slow = measurement(0, None, 20, status="rejected", latency=23.2)
    none = make_run(tmp_path / "none", [slow], max_latency=1.2)
    paths = [make_run(tmp_path / "one", FIVE), make_run(tmp_path / "two", FIVE[:2]), none]
    outcome = report(paths, out=tmp_path / "all")
    said = f"this front is without none ({none}: all 1 candidates were rejected, the fastest takes 23.2 ms"
    assert outcome.warnings[0].startswith(said)
    assert said in outcome.table
    with (tmp_path / "all" / "comparison.csv").open() as file:
        assert {row["run"] for row in csv.DictReader(file)} <= {"one", "two"}
    with pytest.raises(UserError, match=r"none: all 1 candidates were rejected"):
        report([none, make_run(tmp_path / "empty", [])], out=tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()


def test_the_front_is_written_even_if_nothing_is_within_the_budget(tmp_path):
    run = make_run(tmp_path / "run", FIVE)
    with pytest.raises(UserError, match="max_macs is 500"):
        write_outcome(run, max_macs=500)
    assert (run / "front.csv").exists()
    assert (run / "report.html").exists()
    assert not (run / "best.json").exists()


def test_a_genotype_that_is_not_known_here_costs_only_the_best(tmp_path):
    architecture = FIVE[4].genotype["architecture"]
    strange = {**FIVE[4].genotype, "architecture": {**architecture, "normal": [[["plugin_op", 0]]]}}
    run = make_run(tmp_path / "run", [*FIVE[:4], measurement(4, 0.8, 9000, genotype=strange)])
    with pytest.raises(UserError, match="genotype"):
        write_outcome(run)
    with (run / "front.csv").open() as file:
        assert [len(row["genotype"]) for row in csv.DictReader(file)] == [16, 16, 16]


def test_no_part_of_a_file_is_left_behind(tmp_path):
    run = make_run(tmp_path / "run", FIVE)
    write_outcome(run)
    assert sorted(path.name for path in run.iterdir() if path.is_file() and path.name != ".lock") == [
        "best.json", "best.png", "candidates.jsonl", "front.csv", "front.png", "outcome.json", "report.html",
        "settings.json",
    ]  # fmt: skip


def test_a_candidate_is_chosen_by_index_or_file(tmp_path):
    run = make_run(tmp_path / "run", FIVE)
    assert chosen_genotype(run, 1).to_json() == FIVE[1].genotype
    with pytest.raises(UserError, match="has no candidate 7; it has 0, 1, 2, 3, 4"):
        chosen_genotype(run, 7)
    write_outcome(run)
    assert chosen_genotype(run / "best.json").to_json() == FIVE[4].genotype


def test_a_runs_text_is_shown_and_never_run(tmp_path):
    evil = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    run = make_run(tmp_path / "run", [*FIVE, measurement(5, None, 10, error=evil)], strategy=evil)
    write_outcome(run)
    page = (run / "report.html").read_text()
    # That of the tables, the one that unpacks, and the two that it unpacks: no text of the run is in these as it is.
    assert page.count("<script") == 4
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "default-src 'none'" in page


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    run = make_run(tmp_path / "run", FIVE)
    with pytest.raises(UserError, match="cannot write /proc/report"):
        report([run], out="/proc/report")


def test_one_run_may_be_named_alone_and_is_reported_in_its_folder(tmp_path):
    run = make_run(tmp_path / "run", FIVE)
    assert report(str(run)).folder == report(run).folder == report([run]).folder == run
    assert report(iter([run, make_run(tmp_path / "other", FIVE)])).folder == run


def test_with_the_papers_points_there_is_a_picture_without_them_too(tmp_path):
    run = make_run(tmp_path / "run", [measurement(0, 0.3, 3_000_000)], dataset="cifar10")
    outcome = write_outcome(run)
    assert run / "front_close.png" in outcome.files
    assert (run / "front_close.png").read_bytes() != (run / "front.png").read_bytes()
    digits = make_run(tmp_path / "digits", FIVE)
    assert "front_close.png" not in {path.name for path in write_outcome(digits).files}


@pytest.mark.parametrize(
    ("entropy", "edges"), [(EQUAL, ("global_1",)), (EQUAL / 2, ("skip_connect", "skip_connect", "global_1"))]
)
def test_noise_and_collapse_of_a_supernet_are_said_in_all_that_is_read(tmp_path, entropy, edges):
    run = make_run(tmp_path / "run", FIVE, strategy="darts")
    write_epochs(run, [entropy], seconds=95.0, edges=edges)
    outcome = write_outcome(run)
    (warning,) = outcome.warnings
    assert json.loads((run / "outcome.json").read_text())["warning"] == warning
    assert f"\nWarning: {warning}.\n" in outcome.table
    assert f"Warning: {warning}." in (run / "report.html").read_text()
    assert "100.0 s of training: supernet 95.0 s, 5 candidates 5.0 s." in outcome.table
    several = report([run, make_run(tmp_path / "other", FIVE)], out=tmp_path / "both")
    assert several.warnings == (f"run: {warning}",)
    write_epochs(run, [2.0])
    assert write_outcome(run).warnings == ()


def test_a_runs_plugins_are_named_where_its_primitives_are_not_known(tmp_path, monkeypatch):
    monkeypatch.setenv("PDE_NAS_PLUGINS", "my_primitives, others")
    settings = FIVE[4].genotype["settings"]
    strange = {**FIVE[4].genotype, "settings": settings | {"primitives": ["skip_connect", "plugin_op"]}}
    run = make_run(tmp_path / "run", [measurement(4, 0.8, 9000, genotype=strange)])
    monkeypatch.delenv("PDE_NAS_PLUGINS")
    (run / "best.json").write_text(json.dumps(strange))
    said = "is 'plugin_op' .* PDE_NAS_PLUGINS names its module; run was made with PDE_NAS_PLUGINS=my_primitives,others"
    for read in (lambda: report([run], out=run), lambda: chosen_genotype(run), lambda: chosen_genotype(run, 4),
                 lambda: chosen_genotype(run / "best.json")):  # fmt: skip
        with pytest.raises(UserError, match=said) as error:
            read()
        assert "\n" not in str(error.value)


def test_what_says_that_a_search_has_ended_is_written_last(tmp_path, monkeypatch):
    written = []

    def note(path, content):
        written.append(path.name)
        return write_whole(path, content)

    monkeypatch.setattr(outcome, "write_whole", note)
    made = write_outcome(make_run(tmp_path / "run", FIVE))
    assert written[-1] == made.files[-1].name == "outcome.json"
    assert {"front.csv", "front.png", "report.html"} < set(written)


def test_another_runs_folder_is_not_written_over(tmp_path):
    one, two = (make_run(tmp_path / name, FIVE) for name in ("one", "two"))
    with pytest.raises(UserError, match="two is the folder of another run"):
        report([one], out=two)


def test_runs_of_different_data_are_drawn_with_a_warning(tmp_path):
    one, two = make_run(tmp_path / "one", FIVE), make_run(tmp_path / "two", FIVE, dataset="mnist")
    (said,) = report([one, two], out=tmp_path / "both").warnings
    assert said.startswith("the runs are of different data sets (")


def test_what_was_trained_in_part_is_on_no_front(tmp_path):
    short = measurement(5, 0.99, 500, status="partial", epochs=1, share=0.5)
    path = make_run(tmp_path / "run", [*FIVE, short])
    outcome = write_outcome(path)
    assert [m.index for m in outcome.front] == [0, 2, 4]
    assert outcome.best.index == 4
    assert outcome.hypervolume == pytest.approx(write_outcome(make_run(tmp_path / "same", FIVE)).hypervolume)
    assert json.loads((path / "outcome.json").read_text())["partial"] == 1
    page = (path / "report.html").read_text()
    assert "Trained in part in run" in page
    assert "these are on no front" in page
    assert (path / "front.csv").read_text() == (tmp_path / "same" / "front.csv").read_text().replace(
        "same,", "run,"
    )


def test_a_run_without_a_whole_training_says_what_to_do(tmp_path):
    path = make_run(tmp_path / "run", [measurement(0, 0.9, 10, status="partial", epochs=1)])
    with pytest.raises(
        UserError, match="none of 1 candidates was trained wholly, 1 in part; resume it with more --trials"
    ):
        write_outcome(path)


@pytest.mark.parametrize(
    ("measurements", "said"), [([], "No candidate was measured yet."), (FIVE[3:4], "None of 1")]
)
def test_a_run_without_a_judged_candidate_leaves_a_report_beside_the_error(tmp_path, measurements, said):
    path = make_run(tmp_path / "run", measurements)
    with pytest.raises(UserError, match="holds no candidate yet|none of 1 candidates was judged"):
        report([path])
    assert said in (path / "report.html").read_text()
    assert not (path / "best.json").exists()
