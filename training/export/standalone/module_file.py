"""The written module as a whole: what it says of itself, its layers, the network, its command."""

from __future__ import annotations

import ast
import importlib.abc
import importlib.util
import inspect
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from records.files import write_whole
from records.run_files.settings_file import WEIGHTS
from training.data.datasets import DatasetInfo
from training.data.sources.folder import MARGIN
from training.export.network import Network, NotExportable, first_line
from training.export.standalone import cell_networks, global_layer, library  # noqa: F401 - they write modules
from training.export.standalone.code import Call, Name, expression
from training.export.standalone.pieces import command
from training.export.standalone.writer import Writer, for_flags, names_used

FILE = "model.py"
PLACEHOLDER = '"""An image classifier in plain PyTorch."""'
LARGEST_DIFFERENCE = 1e-3  # of the written network's logits, in those of the network
IMAGENET = "imagenet"  # of which a margin is cut off, see `training.data.sources.folder`
IMAGES = (1, 3)  # channels of images in files, grey and RGB


def write_module(network: Network, path: Path) -> None:
    """Writes the network as a module, and compares the two. Raises `NotExportable`."""
    if network.adaptive:
        raise NotExportable(network.adaptive)
    try:
        text = module_text(network)
        network.differences["python"] = _difference(network, text)
    except NotExportable:
        raise
    except Exception as error:  # a module of the user may be anything
        raise NotExportable(
            f"the network has no plain form ({type(error).__name__}: {first_line(error)})"
        ) from error
    write_whole(path, text)


def module_text(network: Network) -> str:
    """The module's source, formatted; it does not yet say what is known of the network."""
    writer = Writer(network.model)
    own = _network_class(writer, network)
    files = network.info is not None and network.image[0] in IMAGES  # whether it can read them
    blocks = [*writer.sources(own), own, *_command(network, files)]
    body = "\n\n".join(f"{block.rstrip()}\n" for block in blocks)
    constants = _constants(network, files)
    head = [PLACEHOLDER, _imports(constants + body, files), *([constants] if constants else [])]
    return "\n\n".join(part.rstrip() for part in head) + f"\n\n\n{body}\n\n{_start(network, files)}"


def _network_class(writer: Writer, network: Network) -> str:
    """The class ``Network``: what the model is, with the normalisation before it."""
    base, body = _model(writer, network.model)
    normalises = network.info is not None
    channels, height, width = network.image
    pixels = "raw pixels, 0 to 255" if normalises else "normalised images"
    lines = [
        f"class Network({base}):",
        f'    """Logits of {pixels}, (N, {channels}, {height}, {width})."""',
    ]
    if body:
        lines += ["", "    def __init__(self) -> None:", *(f"        {line}" for line in body)]
    if normalises:
        lines += [
            "",
            "    def forward(self, pixels: Tensor) -> Tensor:",
            "        return super().forward(normalised(pixels))",
        ]
    return "\n".join(lines) + "\n"


def _model(writer: Writer, model: nn.Module) -> tuple[str, list[str]]:
    """The class that the network is one of, and the lines that make it."""
    if not isinstance(model, nn.Sequential) or type(model).forward is not nn.Sequential.forward:
        call = writer.call(model)
        if call.path or "." in call.function:
            raise NotExportable(f"there is no plain form of a network that is one {type(model).__name__}")
        made = Call("super().__init__", call.arguments, call.options)
        return call.function, [expression(made, 8)] if call.arguments or call.options else []
    parts = {name: writer.call(part).whole() for name, part in model.named_children()}
    if list(parts) == list(map(str, range(len(parts)))):
        return "nn.Sequential", [expression(Call("super().__init__", tuple(parts.values())), 8)]
    lines = ["super().__init__()"]
    for name, call in parts.items():
        if name.isidentifier():
            lines += [f"self.{name} = {expression(call, 8, len(f'self.{name} = '))}"]
        else:
            lines += [expression(Call("self.add_module", (name, call)), 8)]
    return "nn.Sequential", lines


def _constants(network: Network, files: bool) -> str:
    info = network.info
    channels, height, width = network.image
    lines = [f'WEIGHTS = Path(__file__).with_name("{WEIGHTS}")'] * network.trained
    if files:
        lines += [f"CHANNELS, HEIGHT, WIDTH = {channels}, {height}, {width}"]
        lines += [f"MARGIN = {MARGIN}  # of the shorter side over the network's"] * _has_margin(info)
    if info is not None:
        lines += ["# Of the training's pixels, divided by 255, in each channel."]
        lines += [f"MEAN, STD = {expression(tuple(info.mean))}, {expression(tuple(info.std))}"]
    return "".join(f"{line}\n" for line in lines)


def _command(network: Network, files: bool) -> list[str]:
    """What stands behind the network."""
    info = network.info
    choices = {
        "trained": network.trained,
        "grey": network.image[0] == 1,
        "margin": _has_margin(info),
    }
    flags = [flag for flag, chosen in choices.items() if chosen]

    def source(name: str) -> str:
        return for_flags(inspect.getsource(getattr(command, name)), flags)

    load = source("load") if network.trained else source("load").replace(" = WEIGHTS", "")
    blocks = [source("build"), load]
    if info is not None:
        blocks.insert(0, source("normalised"))
    if files and info is not None:
        commands = ("upright", "covering", "read", "reason", "main", "run")
        blocks += [f"CLASS_NAMES = {_class_names(info)}\n", *map(source, commands)]
    return blocks


def _has_margin(info: DatasetInfo | None) -> bool:
    return info is not None and info.name == IMAGENET


def _class_names(info: DatasetInfo) -> str:
    """The names as Python, or names of numbers where the data set has none."""
    if not info.class_names:
        return f'tuple(f"class {{i}}" for i in range({info.classes}))'
    return expression(info.class_names, 0, len("CLASS_NAMES = "))


def _start(network: Network, files: bool) -> str:
    lines = ['if __name__ == "__main__":']
    if files:
        return "\n".join([*lines, "    sys.exit(run())\n"])
    why = "it is not known how pixels are normalised; export with --dataset"
    if network.info is not None:
        why = f"an image file has not {network.image[0]} channels; call load() in Python"
    say = Call("print", (f"error: {why}",), {"file": Name("sys.stderr")})
    return "\n".join([*lines, f"    {expression(say, 4)}", "    sys.exit(2)\n"])


def _imports(code: str, files: bool) -> str:
    """What ``code`` uses."""
    used = set(names_used(code))
    of_command = {"argparse", "io", "logging", "os", "warnings"} if files else set()
    own = [f"import {name}" for name in sorted({"sys", *of_command, *({"math"} & used)})]
    own += ["from collections.abc import Sequence", "from contextlib import suppress"] * files
    own += ["from pathlib import Path", *["from typing import Any"] * files]
    others = ["import torch"] * ("torch" in used)
    others += ["from safetensors import SafetensorError"] * files
    others += ["from safetensors.torch import load_file"]
    others += [f"from torch import {'Tensor, ' * ('Tensor' in used)}nn"]
    others += ["from torch.nn import functional as F"] * ("F" in used)
    return "\n".join(["from __future__ import annotations", "", *own, "", *others, ""])


def _difference(network: Network, text: str) -> float:
    """The largest of the written network's logits from the network's. Raises `NotExportable` where it is another one."""
    written = imported(text, Path(FILE)).build()
    state = network.model.state_dict()
    if written.state_dict().keys() != state.keys():
        raise NotExportable("the written network has weights of other names")
    written.load_state_dict(state)
    images = network.examples(2)
    expected, found = network.run(images), _run(written.eval(), images)
    known = expected.isfinite()  # a network that overflows cannot be compared
    found, expected = found.where(known, 0), expected.where(known, 0)
    difference = float((found - expected).abs().max())
    if not difference <= LARGEST_DIFFERENCE * float(expected.abs().max()):
        raise NotExportable(f"the written network's logits differ by {difference:.2g}")
    return difference


class _Text(importlib.abc.SourceLoader):
    """Loads a module from its text, as if from a file; nothing is written beside it."""

    def __init__(self, text: str, path: Path) -> None:
        self.text, self.path = text, path

    def get_filename(self, fullname: str) -> str:
        return str(self.path)

    def get_data(self, path: str | bytes) -> bytes:
        return self.text.encode()


def imported(text: str, path: Path) -> ModuleType:
    """The module of that source, as if imported from ``path``."""
    loader = _Text(text, path)
    spec = importlib.util.spec_from_file_location("standalone_network", path, loader=loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def _run(network: nn.Module, images: Tensor) -> Tensor:
    with torch.inference_mode():
        return network(images)


def load_module(path: Path) -> Any:
    """What the written module at ``path`` gives for images, with the weights beside it where it was trained."""
    module = imported(path.read_text(encoding="utf-8"), path)
    network = module.load() if hasattr(module, "WEIGHTS") else module.build().eval()
    return lambda images: _run(network, images)


def describe_module(path: Path, content: dict[str, Any]) -> None:
    """Puts what is known of the network into the module's docstring."""
    text = path.read_text(encoding="utf-8")
    first = ast.parse(text).body[0]
    lines = text.splitlines(keepends=True)
    rest = "".join(lines[first.end_lineno :])
    write_whole(path, f'"""{_described(content)}"""\n{rest}')


def _described(content: dict[str, Any]) -> str:
    weights, accuracy, images = content["weights"], content["accuracy"], content["input"]
    if weights == "trained":
        weights = "trained; the accuracy is not known"
        if accuracy is not None:
            of = "" if accuracy["images"] is None else f" of {accuracy['images']:,} images"
            weights = f"trained; {100 * accuracy['value']:.2f}% {accuracy['set']} accuracy{of}"
    shape = " x ".join(map(str, images["shape"]))
    takes = "raw pixels, 0 to 255" if content["dataset"] is not None else "normalised images"
    facts = {
        "Weights": weights,
        "Input": f"{shape}, {images['channels']}, {takes}",
        "Output": f"logits, batch x {content['output']['shape'][1]}",
        "Data set": content["dataset"] or "not known",
        "Cost": f"{content['params']:,} parameters, {content['macs']:,} multiply-accumulates an image",
        "Genotype": content["genotype"],
    }
    lines = ["An image classifier in plain PyTorch, written by pde-nas.", ""]
    lines += [f"{name}: {_safe(value)}" for name, value in facts.items()]
    make = "load()" if content["weights"] == "trained" else "build().eval()"
    usage = [f"    logits = {make}(pixels)        # in Python: float32 or uint8 pixels"]
    if content["dataset"] is None:
        usage = [f"    logits = {make}(images)        # in Python"]
    elif images["shape"][1] in IMAGES:
        usage.insert(0, f"    python {FILE} IMAGE...")
    lines += [
        "",
        *usage,
        "",
        "It needs torch and safetensors, and Pillow to read image files. What only a training",
        "has is left out: drop path, and how the weights begin.",
        "",
    ]
    return "\n".join(lines)


def _safe(text: str) -> str:
    """Within a docstring."""
    return " ".join(text.replace("\\", "\\\\").replace('"', '\\"').split())
