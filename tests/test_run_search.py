"""The command line: every mistake is one line and exit code 2, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import run_search

ROOT = Path(__file__).resolve().parents[1]


def run(capsys, *words) -> tuple[int, str, str]:
    try:
        code = run_search.main([str(word) for word in words])
    except SystemExit as stop:
        code = int(stop.code or 0)
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["search", "--strategy", "magic"], "strategy is 'magic'; accepted: asha, darts, enas, evolution"),
        (["search", "--space", "void"], "space is 'void'; accepted: darts-global"),
        (["search", "--dataset", "imagenot"], "unknown dataset 'imagenot'; accepted: "),
        (["search", "--trials", "many"], "--trials: 'many'; accepted: a whole number"),
        (["search", "--max-macs", "3Q"], "'3Q' is no count; accepted: a number with k, M or G"),
        (["search", "--max-macs", "1k"], "no architecture of darts-global with at most 1,000 MACs"),
        (
            ["search", "--strategy", "darts", "--max-macs", "1k"],
            "no architecture of this supernet with at most 1,000 MACs",
        ),
        (["search", "--colour", "red"], "unrecognized arguments: --colour red"),
        (["resume", "nowhere"], "is no run folder"),
        (["export", "nowhere"], "nowhere"),
        (["report", "nowhere"], "nowhere"),
        (["retrain", "nowhere.json"], "nowhere.json"),
        ([], "COMMAND"),
        (["dance"], "'dance'"),
    ],
)
def test_a_mistake_is_one_line(capsys, tmp_path, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    code, out, err = run(capsys, *words)
    assert code == 2
    assert err.count("\n") == 1
    assert err.startswith("error: ")
    assert said in err
    assert out == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "command", ["search --port 0 --run-dir", "resume", "view", "stop", "export", "report", "retrain"]
)
def test_a_name_too_long_for_a_file_is_one_line(capsys, tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    code, _, err = run(capsys, *command.split(), "x" * 300)
    assert (code, err.count("\n")) == (2, 1)
    assert "accepted: a path of names of at most 255 bytes" in err


def test_a_name_that_is_no_text_is_one_line(capsys):
    code, _, err = run(capsys, "list", "runs/\udcff")
    assert (code, err) == (2, "error: 'runs/\\udcff' is no UTF-8 text; rename the file or folder\n")


def test_a_working_folder_whose_name_is_no_text_is_told(tmp_path, monkeypatch, capsys):
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    odd.mkdir()
    monkeypatch.chdir(odd)
    assert run_search.main(["list", "."]) == 2
    assert capsys.readouterr().err.endswith("caf\\udce9' is no UTF-8 text; rename it\n")


def test_a_working_folder_that_is_gone_is_one_line(capsys, tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    code, _, err = run(capsys, "list")
    assert (code, err.count("\n")) == (2, 1)
    assert "the working folder is not there any more" in err


@pytest.mark.parametrize("closed", [">&-", "<&- >&-", "<&- >&- 2>&-"])
def test_closed_streams_are_no_mistake(closed):
    command = f"exec {sys.executable} {ROOT / 'run_search.py'} list {ROOT / 'tools'} {closed}"
    ended = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_letters_that_a_terminal_has_not_are_escaped(tmp_path):
    (tmp_path / "Größe" / "run").mkdir(parents=True)
    (tmp_path / "Größe" / "run" / "settings.json").write_text('{"settings": {}}')
    ended = subprocess.run(
        [sys.executable, ROOT / "run_search.py", "list", tmp_path / "Größe"],
        capture_output=True, text=True, env=os.environ | {"PYTHONIOENCODING": "ascii"},
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert r"Gr\xf6\xdfe" in ended.stdout


def test_a_search_from_python_takes_its_settings_record():
    import pde_nas

    with pytest.raises(pde_nas.UserError, match="settings is of type dict; accepted: SearchSettings"):
        pde_nas.search({"trials": 2})


def test_a_port_in_use_is_named(capsys, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, _, err = run(capsys, "search", "--port", port, "--run-dir", tmp_path / "run")
    assert code == 2
    assert f"port {port} cannot be had" in err
    assert "--port" in err
    assert not (tmp_path / "run").exists()


def test_a_run_folder_in_use_is_named(capsys, tmp_path):
    (tmp_path / "settings.json").write_text("{}")
    code, _, err = run(capsys, "search", "--port", 0, "--run-dir", tmp_path)
    assert code == 2
    assert f"{tmp_path} already holds a run" in err


def test_damaged_data_are_named(capsys, tmp_path):
    (tmp_path / "cifar10.npz").write_bytes(b"PK, and then nothing")
    run_dir = tmp_path / "run"
    code, _, err = run(capsys, "search", "--dataset", "cifar10", "--data-dir", tmp_path, "--run-dir", run_dir)
    assert code == 2
    assert err.count("\n") == 1
    assert f"{tmp_path / 'cifar10.npz'} is damaged" in err
    assert not run_dir.exists()


def test_a_fault_of_the_program_is_no_mistake_of_the_user(monkeypatch):
    def broken(_):
        raise ValueError("a fault")

    monkeypatch.setitem(run_search.COMMANDS, "report", ("", run_search._report_options, broken))
    with pytest.raises(ValueError, match="a fault"):
        run_search.main(["report", "nowhere"])


@pytest.fixture(autouse=True)
def interruptible():
    """What a command that was stopped does to Ctrl-C is undone."""
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)


def run_folder(path):
    path.mkdir()
    (path / "settings.json").write_text("{}")
    return path


def test_a_search_that_is_stopped_says_with_what_to_go_on(capsys, monkeypatch, tmp_path):
    folder = run_folder(tmp_path / "run")

    def interrupted(_):
        raise KeyboardInterrupt(folder)

    _, options, _ = run_search.COMMANDS["search"]
    monkeypatch.setitem(run_search.COMMANDS, "search", ("", options, interrupted))
    assert f"`run_search.py resume {folder}` goes on" in run(capsys, "search")[2]
    folder.rename(tmp_path / "moved")
    assert "it was moved, deleted, or made anew" in run(capsys, "search")[2]


def test_commands_that_are_told_can_be_typed_as_they_are(capsys, monkeypatch, tmp_path):
    folder = tmp_path / 'it\'s a "run"'

    def interrupted(_):
        raise KeyboardInterrupt(run_folder(folder))

    _, options, _ = run_search.COMMANDS["search"]
    monkeypatch.setitem(run_search.COMMANDS, "search", ("", options, interrupted))
    told = run(capsys, "search")[2].split("`")[1]
    assert shlex.split(told) == ["run_search.py", "resume", str(folder)]


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        (["list", "nowhere"], "nothing was changed"),
        (
            ["report", "nowhere"],
            "what it had begun to write is not whole; the same command into another folder (--out) writes it anew",
        ),
        (["sweep"], "what was measured is kept, and `run_search.py resume RUN` goes on"),
        (["search"], "nothing was begun"),
        (["train", "--published", "ResNet-32"], "the same command goes on after the last whole epoch"),
    ],
)
def test_ctrl_c_is_one_line(capsys, monkeypatch, words, kept):
    def interrupted(_):
        raise KeyboardInterrupt

    _, options, _ = run_search.COMMANDS[words[0]]
    monkeypatch.setitem(run_search.COMMANDS, words[0], ("", options, interrupted))
    code, _, err = run(capsys, *words)
    assert code == 130
    assert err == f"\nstopped; {kept}\n"


def test_commands_are_there_without_docstrings():
    ended = subprocess.run(
        [sys.executable, "-OO", str(ROOT / "run_search.py"), "list", "--help"], capture_output=True, text=True
    )
    assert (ended.returncode, ended.stderr) == (0, "")


def test_help_names_choices_defaults_and_units(capsys):
    code, out, _ = run(capsys, "search", "--help")
    assert code == 0
    for words in ("asha, darts, enas, evolution", "(default: digits)", "[MACs of one image", "darts-global"):
        assert words in " ".join(out.split())


def test_help_names_what_is_used_where_nothing_is_given(capsys):
    from execution.portal.hub import SMALL
    from search_space.cells.darts_global import DartsSettings
    from training.recipes.named import RECIPES

    search, fast = RECIPES["search"], RECIPES["fast"]
    _, out, _ = run(capsys, "search", "--help")
    said = " ".join(out.replace("-\n", "-").split())
    for words in (
        f"{DartsSettings().width} in darts-global, on digits 2,4,8,16, 8 of a supernet)",
        f"{DartsSettings().cells} in darts-global, on digits 2,3,5, 3 of a supernet)",
        f"[epochs] (default: {search.epochs} in the recipe search)",
        f"(default: {search.batch_size} in the recipe search, 64 of a supernet)",
        f"(default: {search.learning_rate} in the recipe search; of a supernet always 0.025)",
        "training images [images] (default: all)",
    ):
        assert words in said.replace("darts- global", "darts-global"), words
    _, out, _ = run(capsys, "hub", "--help")
    assert f"[channels] (default: {SMALL['width']})" in " ".join(out.split())
    _, out, _ = run(capsys, "resume", "--help")
    assert "[channels] (default: the run's)" in " ".join(out.split())
    _, out, _ = run(capsys, "retrain", "--help")
    assert f"[epochs] (default: the recipe's, {fast.epochs} in fast)" in " ".join(out.split())


def test_the_help_of_a_sweep_says_which_commas_part_values(capsys):
    _, out, _ = run(capsys, "sweep", "--help")
    said = " ".join(out.replace("-\n", "-").split())
    assert "Several values stand with commas between them. What is given to " in said
    assert "--run-dir" in said.partition("What is given to ")[2]


def test_a_resume_under_other_settings_names_them(capsys, tmp_path):
    from execution.settings import SearchSettings
    from records.run_files.run_folder import RunFolder

    RunFolder.create(tmp_path / "run", SearchSettings(seed=3, width=4).to_json())
    code, _, err = run(capsys, "resume", tmp_path / "run", "--seed", 4, "--width", 8)
    assert code == 2
    assert "seed is 4, in the run 3" in err
    assert "width is 8, in the run 4" in err


def test_settings_given_several_times_are_one_text(capsys, tmp_path, monkeypatch):
    import pde_nas

    seen = []

    def search(settings):
        seen.append(settings)
        return SimpleNamespace(table="the front")

    monkeypatch.setattr(pde_nas, "search", search)
    code, out, err = run(
        capsys,
        "search",
        "--space",
        "resnet-global",
        "--setting",
        "stages=3",
        "--setting",
        "widths=8,16 blocks=1",
    )
    assert (code, out, err) == (0, "the front\n", "")
    assert seen[0].space_settings() == {"stages": 3, "widths": [8, 16], "blocks": [1]}


def test_a_resume_without_the_runs_plugins_names_them(capsys, tmp_path, monkeypatch):
    from execution.settings import SearchSettings
    from records.run_files.run_folder import RunFolder

    settings = SearchSettings().to_json() | {"primitives": "skip_connect,conv_1x1"}
    monkeypatch.setenv("PDE_NAS_PLUGINS", "my_primitives")
    run_dir = RunFolder.create(tmp_path / "run", settings).path
    monkeypatch.delenv("PDE_NAS_PLUGINS")
    code, _, err = run(capsys, "resume", run_dir)
    assert code == 2
    assert err.count("\n") == 1
    assert "primitives is 'conv_1x1' (one of your own is known where " in err
    assert "run was made with PDE_NAS_PLUGINS=my_primitives); accepted: skip_connect" in err


@pytest.mark.parametrize("command", [["retrain"], ["export", "--format", "int8"], ["resume"]], ids=" ".join)
def test_a_data_set_of_the_runs_plugins_names_them(command, capsys, tmp_path, monkeypatch):
    from execution.settings import SearchSettings
    from records.measurement import Measurement
    from records.run_files.run_folder import RunFolder
    from search_space import sample
    from training.data.lookup import dataset_info

    kept = SearchSettings().to_json() | {"dataset": "shapes"}
    monkeypatch.setenv("PDE_NAS_PLUGINS", "my_dataset")
    known = dataset_info("digits").to_json() | {"name": "shapes"}
    folder = RunFolder.create(tmp_path / "run", kept, {"dataset": known})
    genotype = sample("darts-global", 0, image=(1, 8, 8)).to_json()
    folder.append(
        Measurement(0, genotype, "ok", 0.5, macs=9, macs_published=9, params=1, seconds=1.0, seed=0)
    )
    monkeypatch.delenv("PDE_NAS_PLUGINS")
    code, out, err = run(capsys, *command, folder.path)
    assert code == 2
    assert "unknown dataset 'shapes'; accepted: digits, mnist" in out + err
    assert "one of your own is known where PDE_NAS_PLUGINS names its module" in out + err
    if "int8" not in command:  # one form of several says for itself why it was not written
        assert err.endswith("run was made with PDE_NAS_PLUGINS=my_dataset\n")


def test_a_genotype_without_its_runs_plugins_names_them(capsys, tmp_path):
    from search_space import sample

    genotype = sample("darts-global", 0, image=(1, 8, 8)).to_json()
    genotype["settings"]["primitives"] = ["skip_connect", "conv_1x1"]
    (tmp_path / "best.json").write_text(json.dumps(genotype))
    (tmp_path / "settings.json").write_text(json.dumps({"settings": {}, "plugins": ["my_primitives"]}))
    for command in ("retrain", "export"):
        code, _, err = run(capsys, command, tmp_path / "best.json")
        assert code == 2
        assert err.count("\n") == 1
        assert f"{tmp_path.name} was made with PDE_NAS_PLUGINS=my_primitives" in err


def test_spaces_are_shown_with_their_settings(capsys):
    code, out, _ = run(capsys, "spaces", "mnist-global")
    assert code == 0
    assert "widths=1,8,16,32,64" in out
    assert "darts-global" not in out
