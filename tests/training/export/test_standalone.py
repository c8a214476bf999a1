"""A written module is formatted plain PyTorch that gives the network's logits where this project is not installed."""

from __future__ import annotations

import getpass
import json
import math
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import nn

from pde_ops import GlobalLayer
from pde_ops.blocks import BasicBlock
from search_space import Genotype, primitive_names, published, sample, space_names
from tests.training.networks import TinyGenotype
from training.data.datasets import DatasetInfo
from training.export import export, save_weights
from training.export.model_facts import Accuracy, Facts
from training.export.network import Network, NotExportable
from training.export.standalone.code import quoted
from training.export.standalone.module_file import imported, module_text, write_module

ROOT = Path(__file__).resolve().parents[3]
NAMES = tuple("abcdefghij")
ROOMS = ("records", "pde_ops", "search_space", "training", "timm", "torchvision", "torchdiffeq")
# Global layers and primitives that no space has among its defaults.
LAYERS = (
    "global_heat",
    "global_implicit+basic_block",
    "global_open_3",
    "global_signed_1+bottleneck",
    "global_1+dense",
)
ADAPTIVE = ("neural-ode", "mdeq")
ODE = {"evaluations": 8, "widths": [8, 16]}
# By space: what a test of seconds samples from, and what else one of minutes does.
SMALL: dict[str, dict] = {
    "darts-global": {"width": 4, "cells": 3, "primitives": primitive_names(), "after": ["none", "global_3", "global_heat"]},
    "resnet-global": {"widths": [4, 6], "blocks": [1, 2], "layers": ["none", *LAYERS]},
    "wide-resnet-global": {"widths": [2, 4], "blocks": [1], "multipliers": [2]},
    "densenet-global": {"depths": [1, 2], "growths": [4], "start": "eps-channels", "bias": True},
    "darts-network-global": {"cells": [4], "widths": [4], "auxiliary": True},
    "mobilenet-v2-global": {"longest": 2}, "mobilenet-v3-global": {"start": "plain"}, "efficientnet-b0-global": {},
    "tiny-global": {}, "mnist-global": {"start": "plain"}, "ode-baseline": ODE,
}  # fmt: skip
MORE: dict[str, list[dict]] = {
    "darts-global": [{}, {"stem": "large", "auxiliary": True, "width": [1, 5], "cells": [1, 2, 4], "primitives": primitive_names()}],
    "mnist-global": [{}, {"frame": "pixel"}],
    "tiny-global": [{"operators": [*primitive_names(), "global_heat+global_implicit"], "activation": "hard-swish"}],
}  # fmt: skip
# Run by a process of its own: the largest difference of the logits, relative to the largest of them, for each folder.
RUN = f"""
import importlib.util, json, sys
from pathlib import Path
for name in {ROOMS!r}:
    sys.modules[name] = None  # importing it now fails
sys.dont_write_bytecode = True
import torch
torch.set_num_threads(1)
found = {{}}
for folder in map(Path, sys.argv[1:]):
    spec = importlib.util.spec_from_file_location("model", folder / "model.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    pixels, logits = torch.load(folder / "expected.pt", weights_only=True)
    with torch.inference_mode():
        difference = (module.load()(pixels) - logits).abs().max() / logits.abs().max()
    found[str(folder)] = float(difference)
print(json.dumps(found))
"""


def info_of(image: tuple[int, ...], classes: int = 10, names: tuple[str, ...] = NAMES) -> DatasetInfo:
    channels, height, width = image
    mean, std = (0.3, 0.4, 0.5)[:channels], (0.25, 0.3, 0.35)[:channels]
    return DatasetInfo("drawn", (channels, height, width), classes, mean, std, flip=False, class_names=names)


def lived_in(model: nn.Module) -> nn.Module:
    """With running statistics and affine parameters of norms as after a training."""
    generator = torch.Generator().manual_seed(0)
    ranges = {
        "running_mean": (-0.2, 0.2),
        "running_var": (0.6, 1.4),
        "weight": (0.6, 1.2),
        "bias": (-0.2, 0.2),
    }
    for module in model.modules():
        if isinstance(module, (nn.BatchNorm2d, nn.GroupNorm)):
            for name, (low, high) in ranges.items():
                if getattr(module, name, None) is not None:
                    getattr(module, name).data.uniform_(low, high, generator=generator)
    return model


def written(genotype: Genotype, folder: Path, largest: float = 1e3) -> list[Path]:
    """The folder with the module, its weights, and pixels with the network's logits; none for logits above ``largest``:
    of a hard-swish diffusivities are below 0, and so a network overflows."""
    info = info_of(genotype.image)
    network = Network(lived_in(genotype.build(seed=1)), genotype.image, info, trained=True)
    pixels = network.examples(2)
    logits = network.run(pixels).clone()
    if not logits.abs().max() < largest:
        return []
    folder.mkdir(parents=True)
    write_module(network, folder / "model.py")
    save_weights(network.model, folder / "weights.safetensors")
    torch.save((pixels, logits), folder / "expected.pt")
    return [folder]


def image_of(space: str, seed: int) -> tuple[int, int, int]:
    if space in ("mnist-global", "ode-baseline"):
        return (1, 28, 28)
    return [(3, 32, 32), (1, 27, 32)][seed % 2]


def some(space: str, several: list[dict], count: int, folder: Path) -> list[Path]:
    """``written`` for so many sampled genotypes of the space, with the settings in turn."""
    folders: list[Path] = []
    for seed in range(4 * count):
        image, settings = image_of(space, seed // len(several)), several[seed % len(several)]
        genotype = sample(space, seed, image=image, **settings)
        if len(folders) < count and genotype.architecture.get("system") not in ADAPTIVE:
            folders += written(genotype, folder / f"{space}-{seed}")
    return folders


def differences(folders: list[Path]) -> dict[str, float]:
    run = [sys.executable, "-c", RUN, *map(str, folders)]
    return json.loads(subprocess.run(run, capture_output=True, text=True, check=True).stdout)


def formatted(folder: Path, *widths: int) -> None:
    """Asserts that ruff leaves all modules below the folder as they are, and finds nothing in them."""
    for width in widths:
        options = ["--isolated", "--no-cache", "--line-length", str(width)]
        run = [sys.executable, "-m", "ruff", "format", "--check", *options, str(folder)]
        told = subprocess.run(run, capture_output=True, text=True, check=False)
        assert told.returncode == 0, told.stdout + told.stderr
    check = [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", "--select", "E,F,I"]
    told = subprocess.run([*check, str(folder)], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout


def test_every_space_where_this_project_is_not_installed(tmp_path):
    assert {*SMALL, "timm-network", "mdeq"} == set(space_names())  # timm's below; mdeq's solver is adaptive
    folders: list[Path] = []
    for space, settings in SMALL.items():
        folders += some(space, [settings], 2, tmp_path)
    found = differences(folders)
    assert len(found) == 22
    assert max(found.values()) < 1e-4, found
    formatted(tmp_path, 88, 110)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("space", SMALL)
def test_fifty_of_every_space(space, tmp_path):
    found = differences(some(space, [SMALL[space], *MORE.get(space, [{}])], 50, tmp_path))
    assert len(found) == 50
    assert max(found.values()) < 1e-4, found
    formatted(tmp_path, 88, 110)


@pytest.mark.slow
@pytest.mark.parametrize("model", ["resnet152", "densenet169"])
def test_networks_of_timm(model, tmp_path):
    genotype = Genotype("timm-network", (3, 64, 64), 10, {}, {"model": model})
    (difference,) = differences(written(genotype, tmp_path / model, math.inf)).values()
    assert difference < 1e-4
    formatted(tmp_path, 88, 110)


INIT = BasicBlock(4)
OPTIONS = [
    {"boundary": "zero-flux"}, {"boundary": "zero-flux", "dx": 2, "dy": 9, "velocity": 0.3, "diffusivity": (0.5, 0.0)},
    {"dx": 2, "dy": 3}, {"velocity": (0.2, -0.1)}, {"velocity": "none", "diffusivity": 2.0}, {"diffusivity": "none"},
    {"velocity": "none", "diffusivity": "none"}, {"product": True, "velocity_activation": "softsign"},
    {"residual": True, "activation": "tanh"}, {"use_source": False, "kernel_size": 5, "bias": True},
    {"velocity": "pointwise", "diffusivity": "full"}, {"velocity": "separable-block", "diffusivity": "identity"},
    {"velocity": "bottleneck", "diffusivity": "depthwise-bias", "activation": "silu"},
    {"init": INIT}, {"init": INIT, "previous": "state", "velocity_input": "source"},
    {"init": INIT, "use_source": False, "residual": True}, {"init": INIT, "init_changes_shape": True},
    {"coefficient_eps": 4.0, "coefficient_start": 1.0}, {"start_mechanism": "gain", "activation": "hard-swish"},
]  # fmt: skip


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: ", ".join(options))
def test_every_option_of_the_global_layer(options, tmp_path):
    layers = [GlobalLayer(4, steps=3, **options), GlobalLayer(4, steps=1, dt=0.1)]
    model = nn.Sequential(nn.Conv2d(1, 4, 3), *layers, nn.Flatten(), nn.Linear(4 * 7 * 5, 3))
    network = Network(lived_in(model), (1, 9, 7), None)
    write_module(network, tmp_path / "model.py")
    again = imported((tmp_path / "model.py").read_text(), tmp_path / "model.py").build().eval()
    again.load_state_dict(model.state_dict())
    images = torch.randn(2, 1, 9, 7)
    torch.testing.assert_close(again(images), network.run(images), rtol=1e-4, atol=1e-6)
    formatted(tmp_path, 88, 110)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A network for grey images, exported with weights, and the network."""
    folder = tmp_path_factory.mktemp("standalone")
    genotype = sample("darts-global", 3, image=(1, 8, 8), width=4, cells=2)
    model = lived_in(genotype.build(seed=0)).eval()
    save_weights(model, folder / "w.safetensors")
    facts = Facts(info_of((1, 8, 8)), Accuracy(0.75, "test", 1360))
    result = export(genotype, folder / "w.safetensors", folder / "out", facts, formats=["python"])
    return genotype, model, result


def command(module: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    run = [sys.executable, str(module), *map(str, arguments)]
    return subprocess.run(run, cwd="/", capture_output=True, text=True, check=False)


def test_it_says_what_is_known_of_the_network(exported):
    genotype, model, result = exported
    assert result.files == ("genotype.json", "model.json", "weights.safetensors", "model.py")
    assert sorted(entry.name for entry in result.folder.iterdir()) == sorted(result.files)
    assert result.missing == {}
    assert result.program_difference < 1e-5
    text = (result.folder / "model.py").read_text()
    told = imported(text, result.folder / "model.py").__doc__
    assert "Weights: trained; 75.00% test accuracy of 1,360 images" in told
    assert "Input: batch x 1 x 8 x 8, grey, raw pixels, 0 to 255" in told
    cost = genotype.cost()
    assert f"{cost.params:,} parameters, {cost.macs:,} multiply-accumulates" in told
    assert f"Genotype: {genotype.key()}" in told
    assert list(result.description["latency"]["batch"]["1"]) == ["pytorch", "python"]
    built = imported(text, result.folder / "model.py").build()
    assert built.state_dict().keys() == load_file(result.folder / "weights.safetensors").keys()
    assert model.state_dict().keys() == built.state_dict().keys()


def test_it_is_formatted_compiles_and_tells_nothing_of_this_machine(exported):
    _, _, result = exported
    formatted(result.folder, 88, 110)
    compile_it = [sys.executable, "-c", "import py_compile, sys; py_compile.compile(sys.argv[1], sys.argv[2], doraise=True)"]  # fmt: skip
    target = result.folder.parent / "model.pyc"
    subprocess.run([*compile_it, str(result.folder / "model.py"), str(target)], check=True)
    text = (result.folder / "model.py").read_text()
    words = [
        str(ROOT),
        str(Path.home()),
        sys.prefix,
        str(result.folder),
        socket.gethostname(),
        "site-packages",
    ]
    for word in (*words, f"/{getpass.getuser()}/", f"{getpass.getuser()}@"):
        assert len(word) < 3 or word not in text, word
    for room in ("pde_ops", "search_space", "training."):
        assert f"import {room}" not in text
        assert f"from {room}" not in text


def test_files_are_classified(exported, tmp_path):
    _, model, result = exported
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "grey.png")
    Image.fromarray(np.stack([pixels] * 3, 2)).save(tmp_path / "rgb.png")
    Image.fromarray(np.dstack([pixels, np.full((8, 8), 255, np.uint8)])).save(tmp_path / "clear.png")
    Image.fromarray(pixels).resize((30, 20)).save(tmp_path / "large.jpg")
    names = ("grey.png", "rgb.png", "clear.png", "large.jpg")
    run = command(result.folder / "model.py", *(tmp_path / name for name in names))
    assert (run.returncode, run.stderr) == (0, "")
    with torch.no_grad():
        probabilities = model((torch.from_numpy(pixels)[None, None] / 255 - 0.3) / 0.25).softmax(1)[0]
    lines = [line.split("\t") for line in run.stdout.splitlines()]
    assert [line[0] for line in lines] == [str(tmp_path / name) for name in names]
    for _, name, probability in lines[:3]:
        assert name == NAMES[int(probabilities.argmax())]
        assert float(probability) == pytest.approx(float(probabilities.max()), abs=1e-4)


def said(module: Path, capsys, *arguments: object) -> tuple[int, list[str], list[str]]:
    """The command's status and the lines of its output and errors, in this process."""
    status = imported(module.read_text(), module).main([*map(str, arguments)])
    told = capsys.readouterr()
    return status, told.out.splitlines(), told.err.splitlines()


def test_what_cannot_be_read_is_said_on_one_line(exported, tmp_path, capsys):
    module = exported[2].folder / "model.py"
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "good.png")
    (tmp_path / "text.png").write_text("no image")
    (tmp_path / "cut.png").write_bytes((tmp_path / "good.png").read_bytes()[:40])
    Image.fromarray(np.zeros((8, 8), np.float32)).save(tmp_path / "wide.tif")
    paths = [tmp_path / name for name in ("none.png", "text.png", "cut.png", "wide.tif", "good.png")]
    status, out, errors = said(module, capsys, *paths)
    assert status == 2
    assert len(errors) == 4
    assert errors[0] == f"error: {paths[0]}: No such file or directory"
    assert errors[1] == f"error: {paths[1]}: not an image"
    assert errors[3] == f"error: {paths[3]}: pixels of mode F; accepted: 8 or 16 bits"
    assert [line.split("\t")[0] for line in out] == [str(paths[4])]
    for weights in ("none.safetensors", "text.png"):
        status, out, errors = said(module, capsys, paths[4], "--weights", tmp_path / weights)
        assert (status, out, len(errors)) == (2, [], 1)
        assert errors[0].startswith(f"error: {tmp_path / weights}: ")


def test_colour_and_no_weights(tmp_path, capsys):
    genotype = sample("tiny-global", 1, stages=1, depths=[1])
    info = info_of((3, 32, 32), names=())
    result = export(genotype, None, tmp_path / "out", Facts(info), formats=["python"])
    module = result.folder / "model.py"
    assert "Weights: UNTRAINED: random weights" in module.read_text()
    formatted(result.folder, 88, 110)
    Image.fromarray(np.zeros((9, 8), np.uint8)).save(tmp_path / "grey.png")
    status, out, errors = said(module, capsys, tmp_path / "grey.png")
    assert (status, errors) == (0, ["UNTRAINED: the weights are random"])
    assert out[0].split("\t")[1].startswith("class ")
    save_weights(genotype.build(), tmp_path / "w.safetensors")
    status, out, errors = said(module, capsys, tmp_path / "grey.png", "--weights", tmp_path / "w.safetensors")
    assert (status, len(out), errors) == (0, 1, [])


def test_without_a_data_set_it_reads_no_files(tmp_path):
    genotype = sample("tiny-global", 1, stages=1, depths=[1])
    result = export(genotype, None, tmp_path / "out", formats=["python"])
    formatted(result.folder, 88, 110)
    run = command(result.folder / "model.py", "image.png")
    assert run.returncode == 2
    assert run.stderr.startswith("error: it is not known how pixels are normalised")
    assert "normalised images" in (result.folder / "model.py").read_text()


@pytest.mark.parametrize("name", ["Neural-ODE", "MDEQ-Tiny"])
def test_an_adaptive_solver_has_none(name, tmp_path):
    result = export(published(name), None, tmp_path / "out", formats=["python"])
    assert "as many steps as the images need" in result.missing["python"]


def test_a_class_that_is_not_known_is_named(tmp_path):
    result = export(TinyGenotype(), None, tmp_path / "out", formats=["python"])
    assert result.missing == {"python": "there is no plain form of tests.training.networks.TinyNet"}
    assert result.files == ("genotype.json", "model.json")


class Louder(BasicBlock):
    """A plugin's block that is one of the project's but for what it keeps elsewhere."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self.bn2.eps = 0.5


def test_what_does_something_else_than_its_class_is_refused(tmp_path):
    torch.manual_seed(0)  # of some weights the block gives zeros, however loud
    network = Network(nn.Sequential(Louder(1), nn.Flatten()), (1, 4, 4), None)
    with pytest.raises(NotExportable, match="the written network's logits differ by"):
        write_module(network, tmp_path / "model.py")


def test_quotes_are_those_that_a_formatter_chooses(tmp_path):
    texts = ("plain", "it's", 'say "a"', "both ' and \"", "line\nend", "back\\slash", "Ä ✓", "tab\t\x1f")
    lines = [f"A{i} = {quoted(text)}" for i, text in enumerate(texts)]
    (tmp_path / "texts.py").write_text("\n".join(lines) + "\n", encoding="utf-8")
    formatted(tmp_path, 88)
    values = vars(imported("\n".join(lines), tmp_path / "texts.py"))
    assert [values[f"A{i}"] for i in range(len(texts))] == list(texts)


def test_the_text_says_only_what_the_network_needs():
    genotype = sample("resnet-global", 0, image=(1, 8, 8), stages=1, widths=[4], blocks=[1], layers=["global_diffusion_1"])  # fmt: skip
    text = module_text(Network(genotype.build(), genotype.image, info_of(genotype.image)))
    assert "def diffuse(" in text
    assert "velocity" not in text.replace('"""What a velocity or diffusivity is made by', "")
    assert "shortcut" not in text
    assert "# if" not in text
