"""A fused layer as one operator for programs, against the layer."""

from __future__ import annotations

import pytest
import torch

from pde_ops import GlobalLayer
from pde_ops.cpu import backend, fused
from pde_ops.cpu.argument import named
from pde_ops.cpu.fixed_operator import FIXED, fixed
from pde_ops.whole_map.implicit_layer import ImplicitLayer
from training.export.recording.recorder import record
from training.export.recording.written_out import KERNELS

pytestmark = pytest.mark.skipif(not backend.built(), reason="no C++ compiler here")


def lived_in(layer):
    generator = torch.Generator().manual_seed(3)
    for name, tensor in layer.named_buffers():
        if "running" in name:
            tensor.uniform_(0.5, 1.5, generator=generator)
    for parameter in layer.parameters():
        parameter.data.add_(0.3 * torch.randn(parameter.shape, generator=generator))
    return layer.eval().requires_grad_(False)


LAYERS = {
    "one step": lambda: GlobalLayer(16),
    "steps": lambda: GlobalLayer(16, steps=5, dx=2, boundary="zero-flux", velocity_activation="softsign"),
    "biased": lambda: GlobalLayer(6, bias=True, residual=True, activation="hard-swish", use_source=False),
    "numbers": lambda: GlobalLayer(6, diffusivity=0.7, coefficient_eps=6.0, start_mechanism="gain"),
    "implicit": lambda: ImplicitLayer(16),
}


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_it_equals_the_layer(name, layout):
    layer = lived_in(LAYERS[name]())
    channels = layer.options.channels
    x = torch.randn(3, channels, 7, 9).contiguous(memory_format=layout)
    recording = record(layer, (channels, 7, 9), KERNELS)
    assert [n.target for n in recording.graph.nodes if n.op == "call_function"] == [FIXED]
    with torch.no_grad():
        found, expected = recording.run(x)[0], layer(x)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    assert found.stride() == expected.stride()


def test_the_operator_is_well_formed():
    layer = lived_in(GlobalLayer(4, steps=2))
    given = {}

    def keep(*args):
        given["args"] = fixed(*named(args[:-1]))
        raise StopIteration

    original, fused.FORWARD = fused.FORWARD, keep
    try:
        with pytest.raises(StopIteration):
            fused.forward(layer, torch.randn(2, 4, 5, 6))
    finally:
        fused.FORWARD = original
    torch.library.opcheck(FIXED, given["args"])
