"""A pickle planted in each kind of file that the commands read is refused in one line, and does not run."""

from __future__ import annotations

import ast
import io
import pickle
import shutil
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torch

import run_search
from execution.one_shot.session import CHECKPOINT as SUPERNET
from execution.settings import SearchSettings
from records.measurement import Measurement
from records.run_files.run_folder import NNI, RunFolder
from search_space import sample
from training.recipes.named import get_recipe
from training.retrain import CHECKPOINT, RetrainSettings, retrain

ROOT = Path(__file__).resolve().parents[1]
TRAINING = (
    "--epochs", "2", "--train-limit", "60", "--batch-size", "32", "--test-limit", "30", "--threads", "1", "--device",
    "cpu",
)  # fmt: skip


class Evil:
    """Makes a file where it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = str(marker)

    def __reduce__(self):
        return open, (self.marker, "w")


@pytest.fixture
def marker(tmp_path):
    return tmp_path / "it ran"


def plain(marker: Path) -> bytes:
    return pickle.dumps(Evil(marker))


def zipped(marker: Path) -> bytes:
    """As torch.save writes it."""
    content = io.BytesIO()
    torch.save({"settings": {}, "model": Evil(marker)}, content)
    return content.getvalue()


def arrays(marker: Path, packed: bool) -> bytes:
    """A data set whose labels are Python objects."""
    labels = np.array([Evil(marker)], dtype=object)
    images = np.zeros((1, 28, 28), dtype=np.uint8)
    content = io.BytesIO()
    save = np.savez_compressed if packed else np.savez
    save(content, x_train=images, y_train=labels, x_test=images, y_test=labels)
    return content.getvalue()


def test_what_is_planted_would_run(marker):
    """Where it is loaded carelessly, so that the other tests say something."""
    pickle.loads(plain(marker)).close()
    assert marker.exists()
    marker.unlink()
    torch.load(io.BytesIO(zipped(marker)), weights_only=False)["model"].close()
    assert marker.exists()
    for packed in (False, True):
        marker.unlink()
        with np.load(io.BytesIO(arrays(marker, packed)), allow_pickle=True) as loaded:
            loaded["y_train"][0].close()
        assert marker.exists()


def genotype():
    return sample("darts-global", 0, image=(1, 8, 8), width=4, cells=2)


def make_run(folder: Path, **options) -> Path:
    """A run with one candidate, and more to come."""
    options = {"strategy": "darts", "portal": "off"} | options
    settings = SearchSettings(width=4, cells=2, trials=3, device="cpu", **options)
    run = RunFolder.create(folder, settings.to_json())
    cost = genotype().cost()
    run.append(
        Measurement(
            0, genotype().to_json(), "ok", 0.5, cost.macs, cost.macs_published, cost.params, 1.0, 0, (0.5,)
        )
    )
    return folder


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """A training that was stopped after its first epoch."""
    folder = tmp_path_factory.mktemp("begun") / "training"
    settings = RetrainSettings(
        recipe=get_recipe("fast", epochs=2, batch_size=32),
        train_limit=60,
        test_limit=30,
        device="cpu",
        threads=1,
    )

    class Stopped(Exception):
        pass

    def stop(_):
        raise Stopped

    with pytest.raises(Stopped):
        retrain(genotype(), settings, folder, on_epoch=stop)
    assert (folder / CHECKPOINT).is_file()
    return folder


def require_refusal(marker: Path, capfd, *words: object) -> str:
    """What the command says instead."""
    capfd.readouterr()
    code = run_search.main([str(word) for word in words])
    said = capfd.readouterr().err
    assert not marker.exists()
    assert (code, said.count("\n"), said[:7]) == (2, 1, "error: "), said
    return said


@pytest.mark.parametrize("name", ["settings.json", "candidates.jsonl"])
@pytest.mark.parametrize("command", ["report", "export", "resume"])
def test_in_a_run(tmp_path, marker, capfd, name, command):
    run = make_run(tmp_path / "run")
    (run / name).write_bytes(plain(marker) + b"\n")
    assert name in require_refusal(marker, capfd, command, run)


def test_in_nni_json(tmp_path, marker, capfd):
    run = make_run(tmp_path / "run", strategy="random", portal="on", port=0)
    (run / NNI).write_bytes(plain(marker))
    assert "nni.json is damaged" in require_refusal(marker, capfd, "view", run, "--port", "0")


@pytest.mark.parametrize("content", [plain, zipped])
def test_in_a_supernets_checkpoint(tmp_path, marker, capfd, content):
    run = make_run(tmp_path / "run", train_limit=100, supernet_epochs=2)
    (run / SUPERNET).parent.mkdir()
    (run / SUPERNET).write_bytes(content(marker))
    assert "supernet.pt" in require_refusal(marker, capfd, "resume", run)


@pytest.mark.parametrize(
    ("name", "content"),
    [(CHECKPOINT, plain), (CHECKPOINT, zipped), ("settings.json", plain), ("result.json", plain)],
)
def test_in_a_training(tmp_path, marker, capfd, begun, name, content):
    shutil.copytree(begun, tmp_path / "training")
    (tmp_path / "training" / name).write_bytes(content(marker))
    words = ("retrain", begun / "genotype.json", "--out", tmp_path / "training", *TRAINING)
    assert name in require_refusal(marker, capfd, *words)


@pytest.mark.parametrize("command", ["retrain", "export"])
def test_in_a_genotype(tmp_path, marker, capfd, command):
    path = tmp_path / "genotype.json"
    path.write_bytes(plain(marker))
    assert str(path) in require_refusal(marker, capfd, command, path)


@pytest.mark.parametrize("content", [plain, zipped])
def test_in_weights(tmp_path, marker, capfd, content):
    path = genotype().save(tmp_path / "genotype.json")
    weights = tmp_path / "weights.safetensors"
    weights.write_bytes(content(marker))
    assert str(weights) in require_refusal(
        marker, capfd, "export", path, "--dataset", "digits", "--weights", weights
    )
    assert not (tmp_path / "export").exists()


@pytest.mark.parametrize(
    "content",
    [plain, lambda m: arrays(m, False), lambda m: arrays(m, True)],
    ids=["pickle", "npz", "packed npz"],
)
def test_in_a_data_set(tmp_path, marker, capfd, content):
    (tmp_path / "mnist.npz").write_bytes(content(marker))
    data = ("--dataset", "mnist", "--data-dir", tmp_path)
    words = ("train", "--published", "MNIST-Convolution", *data, "--out", tmp_path / "out", *TRAINING)
    assert "mnist.npz" in require_refusal(marker, capfd, *words)


def test_in_a_download(tmp_path, marker, capfd, monkeypatch):
    """torchvision's own files of CIFAR are pickles; it loads those alone whose checksums are right."""

    def no_network(*_, **__):
        raise URLError("no network")

    monkeypatch.setattr("urllib.request.urlopen", no_network)
    monkeypatch.setattr("torch.hub.urlopen", no_network)
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    for name in ("batches.meta", "test_batch", *(f"data_batch_{i}" for i in range(1, 6))):
        (folder / name).write_bytes(plain(marker))
    data = ("--dataset", "cifar10", "--data-dir", tmp_path)
    words = ("train", "--published", "ResNet-Global", *data, "--out", tmp_path / "out", *TRAINING)
    assert "cannot be downloaded" in require_refusal(marker, capfd, *words)


# What can run code that stands in a file: calls, and the argument with which some of them are safe.
UNSAFE = {
    "pickle": {"load", "loads", "Unpickler"},
    "cloudpickle": {"load", "loads"},
    "dill": {"load", "loads"},
    "joblib": {"load"},
    "marshal": {"load", "loads"},
    "shelve": {"open"},
    "pd": {"read_pickle"},
    "pandas": {"read_pickle"},
    "nni": {"load"},
    "yaml": {"load", "unsafe_load", "full_load"},
}
UNSAFE_UNLESS = {"torch": ("load", "weights_only", True)}
UNSAFE_IF = ("allow_pickle", True)


def unsafe_calls(tree: ast.AST) -> list[str]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in UNSAFE:
            found += [f"{node.module}.{each.name}" for each in node.names if each.name in UNSAFE[node.module]]
        if not isinstance(node, ast.Call):
            continue
        given = {word.arg: getattr(word.value, "value", None) for word in node.keywords}
        if given.get(UNSAFE_IF[0], not UNSAFE_IF[1]) is not False:
            found.append(UNSAFE_IF[0])
        if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
            module, name = node.func.value.id, node.func.attr
            needed = UNSAFE_UNLESS.get(module)
            if name in UNSAFE.get(module, ()) or (
                needed is not None and name == needed[0] and given.get(needed[1]) is not needed[2]
            ):
                found.append(f"{module}.{name}")
        elif isinstance(node.func, ast.Name) and node.func.id in ("eval", "exec"):
            found.append(node.func.id)
    return found


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import pickle\npickle.load(f)", ["pickle.load"]),
        ("from pickle import loads", ["pickle.loads"]),
        ("torch.load(p)", ["torch.load"]),
        ("torch.load(p, weights_only=False)", ["torch.load"]),
        ("torch.load(p, weights_only=True)", []),
        ("np.load(p, allow_pickle=True)", ["allow_pickle"]),
        ("np.load(p, allow_pickle=some)", ["allow_pickle"]),
        ("np.load(p, allow_pickle=False)", []),
        ("yaml.load(f, Loader)", ["yaml.load"]),
        ("json.load(f); eval('1')", ["eval"]),
    ],
)
def test_unsafe_calls_are_found(source, found):
    assert unsafe_calls(ast.parse(source)) == found


def test_nothing_in_the_project_loads_a_pickle():
    rooms = (
        "records",
        "pde_ops",
        "search_space",
        "training",
        "strategies",
        "execution",
        "analysis",
        "benchmarks",
        "tools",
    )
    files = [ROOT / "run_search.py", *(path for room in rooms for path in (ROOT / room).rglob("*.py"))]
    assert len(files) > 100
    found = {str(path.relative_to(ROOT)): unsafe_calls(ast.parse(path.read_text())) for path in files}
    assert {path: calls for path, calls in found.items() if calls} == {}
