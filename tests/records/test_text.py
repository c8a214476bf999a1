"""Numbers and paths in what a person reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from records.text import shortened, without_paths


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ('File "/usr/lib/python3.11/site-packages/torch/nn/module.py", line 3', 'File "module.py", line 3'),
        ("/data/sets/mine.npz is damaged: /data/sets/ is gone", "mine.npz is damaged: sets is gone"),
        ("no file /run/it/nni/x/trial.log; look in /run/it", "no file nni/x/trial.log; look in it"),
        ("/run/item is another folder of /run/it's owner", "item is another folder of it's owner"),
        ("its trials: http://127.0.0.1:8080/api/v1/nni, 3/4 of them, and/or ./a/b", None),
        ("failed:/home/bob/x, file:///home/bob/x", "failed:x, file://x"),
        ("A=/a/b:/home/bob/c; host:/path", "A=b:c; host:path"),
        ("file:///run/it/a and it:/run/it/b", "file://a and it:b"),
        ("see https://example.org/a/b:80 and http://localhost:80/a/b", None),
        ("12 images / second, at 3 / 4 of the rate /", None),
    ],
)
def test_absolute_paths_are_cut(text, left):
    assert without_paths(text, "/run/it") == (text if left is None else left)


def test_the_home_and_its_owner_are_not_named(monkeypatch):
    monkeypatch.setenv("HOME", "/home/ada")
    said = without_paths("cannot write /home/ada/a folder/x.npz in /home/ada; /home/adas/else")
    assert said == "cannot write ~/a folder/x.npz in ~; else"
    assert without_paths(str(Path.cwd() / "runs" / "a")) == "runs/a"


def test_neither_a_home_nor_a_working_folder_is_needed(monkeypatch, tmp_path):
    def missing(*_):
        raise RuntimeError("Could not determine home directory.")

    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    monkeypatch.setattr(Path, "home", missing)
    assert without_paths("cannot write /run/it/a and /home/ada/b", "/run/it") == "cannot write a and b"


@pytest.mark.parametrize(
    ("text", "longest", "left"),
    [
        ("global_5", 8, "global_5"),
        ("global_constant_diffusivity_3", 20, "global_con…usivity_3"),
        ("abcdefgh", 4, "ab…h"),
    ],
)
def test_a_long_name_loses_its_middle(text, longest, left):
    assert shortened(text, longest) == left
    assert len(left) <= longest
