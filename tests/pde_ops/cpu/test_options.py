"""An option of the layer reaches every place that computes the layer, and no option falls back in silence."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import pde_ops
from pde_ops import GlobalLayer
from pde_ops.coefficients import TRANSFORMS
from pde_ops.cpu import backend as cpu_backend
from pde_ops.cpu import build, fused
from pde_ops.cpu.argument import MEMBERS, SCHEMA, header
from pde_ops.layer import Path as LayerPath
from pde_ops.options import OPTIONS, Argument, Options

needs_kernel = pytest.mark.skipif(not cpu_backend.built(), reason="no C++ compiler here")
CHANNELS = 16  # in float32 a cache line of channels_last
BY_NAME = {option.name: option for option in OPTIONS}
CSRC = Path(pde_ops.__file__).parent / "cpu" / "csrc"

# For every option another value than the default, with which the layer computes something else.
EXAMPLES = {
    "steps": 3, "dt": 0.1, "dx": 2, "dy": 3, "boundary": "zero-flux", "velocity": (0.3, -0.2),
    "diffusivity": (0.5, 1.5), "kernel_size": 5, "bias": True, "init_changes_shape": True,
    "previous": "state", "velocity_input": "source", "product": True, "use_source": False, "residual": True,
    "activation": "hard-swish", "velocity_activation": "softsign", "coefficient_start": 0.7, "start_mechanism": "gain", "coefficient_eps": 0.3,
    "backend": "eager",
}  # fmt: skip
WITH_INIT = {"init_changes_shape", "previous", "velocity_input"}  # without one they change nothing
SAME = {"channels": "other channels are another input", "backend": "every backend computes the same"}
CALLS = ("training", "evaluation", "channels_last in evaluation")


def observed(call: str = "training", **options) -> list[torch.Tensor]:
    """The output of a layer, the gradients of what it learns, and its running statistics."""
    torch.manual_seed(0)
    init = nn.Conv2d(CHANNELS, CHANNELS, 1) if options.pop("init", False) else None
    layer = GlobalLayer(CHANNELS, init=init, **{"steps": 2, "coefficient_start": 0.4, **options})
    x = torch.randn(3, CHANNELS, 7, 8)
    layer(x)  # statistics that are not the initial ones
    layer.train(call == "training")
    if call.startswith("channels_last"):
        with torch.no_grad():
            return [layer(x.to(memory_format=torch.channels_last))]
    out = layer(x)
    out.square().sum().backward()
    return [out.detach(), *(p.grad for p in layer.parameters()), *layer.buffers()]


def same(some: list[torch.Tensor], others: list[torch.Tensor]) -> bool:
    return len(some) == len(others) and all(
        a.shape == b.shape and (a - b).abs().max() <= 2e-4 * b.abs().max().clamp_min(0.05 * floor(others))
        for a, b in zip(some, others, strict=True)
    )


def floor(tensors: list[torch.Tensor]) -> float:
    """Some gradients vanish analytically: their rounding is measured against the largest."""
    return max(float(t.abs().max()) for t in tensors)


@needs_kernel
@pytest.mark.parametrize("name", BY_NAME)
def test_an_option_reaches_every_place(name):
    way = BY_NAME[name].metadata["kernel"]
    assert re.search(rf"\b{name}\b", inspect.getdoc(Options)), f"options.py: Options' docstring forgot {name}"
    if isinstance(way, Argument):
        sources = " ".join(path.read_text() for path in CSRC.glob("*.*"))
        assert re.search(rf"\bl\.{name}\b", sources), f"cpu/csrc: no kernel reads l.{name}"
    if name in SAME:
        return
    assert name in EXAMPLES, f"tests/pde_ops/cpu/test_options.py: EXAMPLES forgot {name}"
    changed = {name: EXAMPLES[name], "init": name in WITH_INIT}
    plain = observed(backend="eager", init=name in WITH_INIT)
    assert not same(observed(backend="eager", **changed), plain), f"layer.py: composed() ignores {name}"
    if way.has(EXAMPLES[name]):
        for call in CALLS:
            ours, definition = observed(call, **changed), observed(call, backend="eager", **changed)
            assert same(ours, definition), f"cpu: the fused kernel computes another {name} in {call}"


@needs_kernel
@pytest.mark.parametrize("call", CALLS)
def test_what_the_observation_sees(call):
    """Rounding is the same layer; a step more is not."""
    assert same(observed(call), observed(call, backend="eager"))
    assert not same(observed(call), observed(call, steps=3))


def values(name: str) -> tuple:
    """What an option of words or of yes and no may be; a few numbers for those that take them."""
    if name in ("velocity", "diffusivity"):
        return (*TRANSFORMS, "none", 0.5, (0.5, 0.25))
    if isinstance(BY_NAME[name].default, bool):
        return (False, True)
    return BY_NAME[name].metadata["accepted"]


@needs_kernel
@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name in BY_NAME for value in values(name)], ids=str
)
def test_the_docstring_the_table_and_the_path_agree(name, value):
    document = " ".join(inspect.getdoc(GlobalLayer).split())
    told = f"``{value!r}``" if name in ("velocity", "diffusivity") else f"``{name}={value!r}``"
    options = {name: value}
    if value == "depthwise-bias":
        options = {"velocity": value, "diffusivity": value}
    if name == "init_changes_shape":
        options["init"] = nn.Identity()
    layer, x = GlobalLayer(4, **options), torch.randn(2, 4, 5, 6)
    if value == "triton":
        with pytest.raises(ValueError, match="backend='triton' cannot run"):
            layer.path(x)
    elif BY_NAME[name].metadata["kernel"].has(value) and options.get("init_changes_shape", True):
        assert layer.path(x) == LayerPath("fused")
        assert told not in document
        return
    elif name != "init_changes_shape":
        expected = "eager" if value == "eager" else "composed"
        assert layer.path(x) == LayerPath(expected, f"the fused kernel has no {name}={value!r}")
    if name != "init_changes_shape":
        assert told in document


def takes(layer: GlobalLayer, x: torch.Tensor) -> str:
    """The path that a call really takes."""
    with FlopCounterMode(display=False) as counter:
        layer(x)
    counted = set(map(str, counter.get_flop_counts()["Global"]))
    return "fused" if "pde_ops.global_layer" in counted else "not fused"


def hooked(layer):
    layer.diffusivity_y.transform.register_forward_hook(lambda *_: None)


def replaced(layer):
    layer.velocity_y.transform = nn.Conv2d(4, 4, 3, padding=1)


def out_hooked(layer):
    layer.out_norm.register_forward_pre_hook(lambda *_: None)


def of_another_type(layer):
    layer.out_norm = nn.GroupNorm(2, 4)


@needs_kernel
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (hooked, "a hook watches diffusivity_y"),
        (out_hooked, "a hook watches out_norm"),
        (
            replaced,
            "velocity_y is not made as the first coefficient, by a depthwise convolution and its norm",
        ),
        (of_another_type, "out_norm is not a batch norm of the input's type with running statistics"),
    ],
)
def test_the_path_says_what_was_done_to_the_modules(change, reason):
    layer, x = GlobalLayer(4), torch.randn(2, 4, 5, 6)
    assert layer.path(x) == LayerPath("fused")
    assert takes(layer, x) == "fused"
    change(layer)
    assert layer.path(x) == LayerPath("composed", reason)
    assert str(layer.path(x)) == f"composed: {reason}"
    assert takes(layer, x) == "not fused"


@needs_kernel
def test_the_path_says_what_the_input_is():
    layer, x = GlobalLayer(4), torch.randn(2, 4, 5, 6)
    half = "the fused kernel takes float32, float64 and bfloat16 alone"
    assert layer.path(x.bfloat16()) == LayerPath("fused")
    assert layer.path(x.half()) == LayerPath(
        "eager", f"{half}; backend 'cpu' cannot run: it has no torch.float16"
    )
    assert layer.path(x[:1, :, :1, :1]) == LayerPath("composed", "a channel has one value alone")
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert layer.path(x) == LayerPath("fused")
    with pytest.raises(ValueError, match="the state is"):
        layer.path(x[:, :3])
    assert GlobalLayer(4, velocity=0.1, diffusivity=1.0).path(x).reason == "no coefficient is learned"


@needs_kernel
def test_the_path_with_an_init():
    x = torch.randn(2, 3, 6, 6)
    kept = GlobalLayer(3, init=nn.BatchNorm2d(3))
    assert kept.path(x) == LayerPath("composed", "init's output is not the source")
    changed = GlobalLayer(
        4, init=nn.Sequential(nn.Conv2d(3, 4, 2, 2), nn.BatchNorm2d(4)), init_changes_shape=True
    )
    assert changed.path(x) == LayerPath("fused")
    assert takes(changed, x) == "fused"
    assert changed.init[1].num_batches_tracked == 1  # by the call, not by the question


def test_the_path_without_a_compiler(monkeypatch, tmp_path):
    monkeypatch.setenv("PDE_OPS_CACHE", str(tmp_path))
    monkeypatch.setenv("CXX", "no-such-compiler")
    build.kernels.cache_clear()
    try:
        path = GlobalLayer(4).path(torch.randn(2, 4, 5, 6))
    finally:
        build.kernels.cache_clear()
    assert path.name == "eager"
    assert path.reason.startswith(
        "the C++ kernels are not built; backend 'cpu' cannot run: the C++ kernels could not"
    )


def test_options_are_attributes_that_are_checked():
    layer = GlobalLayer(4)
    layer.steps = 7
    assert (layer.steps, layer.options.steps) == (7, 7)
    with pytest.raises(ValueError, match="steps is 0"):
        layer.steps = 0
    with pytest.raises(AttributeError, match="velocity cannot be set: it builds the layer's modules"):
        layer.velocity = 1.0
    with pytest.raises(TypeError, match=r"GlobalLayer has no option 'step'; accepted: channels, steps"):
        GlobalLayer(4, step=1)
    assert repr(GlobalLayer(4, steps=5, dt=0.1)).startswith("GlobalLayer(\n  4, steps=5, dt=0.1\n")
    signature = inspect.signature(GlobalLayer)
    assert set(signature.parameters) == {*BY_NAME, "init"}
    assert signature.parameters["dt"].default == 0.2


def test_the_operator_and_the_structure_are_made_of_the_table():
    schema = torch.ops.pde_ops.global_layer.default._schema
    given = [argument.name for argument in schema.arguments]
    assert len(SCHEMA.split(", ")) == len(given) - 1
    arguments = [option.name for option in OPTIONS if isinstance(option.metadata["kernel"], Argument)]
    assert given[-1 - len(arguments) :] == [*arguments, "keep"]
    text = header()
    for member in MEMBERS:
        assert re.search(rf"\b{member.name}(\[\d\])?;", text), member
    assert "enum Boundary { kPeriodic, kZeroFlux };" in text
    assert "enum Activation { kRelu, kRelu6, kHardSwish, kIdentity, kSoftsign };" in text
    assert text.count("enum") == 2  # velocities' activations are of that one, too


def test_fields_are_the_layers_modules():
    assert set(fused.FIELDS) < set(dict(GlobalLayer(2).named_children()))
