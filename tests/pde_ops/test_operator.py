"""`pde_ops::integrate` as torch sees it: opcheck, compile, export, FLOPs, autocast, odd inputs."""

from __future__ import annotations

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from pde_ops import GlobalLayer, integrate
from pde_ops.eager import integrate_eager
from tests.pde_ops.fields import make_fields

PLAIN = {"steps": 3, "dt": 0.2}


@pytest.mark.parametrize("backend", ["eager", "auto"])
@pytest.mark.parametrize("absent", [(), (1, 2, 5), (6,)])
def test_opcheck(backend, absent):
    fields = list(make_fields((2, 3, 4, 5), dtype=torch.float32, grad=True).values())
    for index in absent:
        fields[index] = None
    arguments = (*fields, [0.1, 0.2, 0.3, 0.4], 3, 0.2, 1, 2, "zero-flux", backend)
    results = torch.library.opcheck(torch.ops.pde_ops.integrate, arguments)
    assert set(results.values()) == {"SUCCESS"}
    assert len(results) == 4


def test_compiles_whole_and_trains_alike():
    layer = GlobalLayer(4, steps=2)
    x = torch.randn(2, 4, 6, 5)
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    gradients = []
    for run in (layer, compiled):
        layer.zero_grad()
        (run(x) ** 2).sum().backward()
        gradients.append([p.grad.clone() for p in layer.parameters()])
    for plain, fused in zip(*gradients, strict=True):
        torch.testing.assert_close(fused, plain, rtol=1e-4, atol=1e-5)


def test_exports_as_one_node_with_a_free_batch():
    layer = GlobalLayer(4, steps=2).eval()
    x = torch.randn(2, 4, 6, 5)
    program = torch.export.export(layer, (x,), dynamic_shapes=({0: torch.export.Dim("batch")},))
    names = [str(node.target) for node in program.graph.nodes if "pde_ops" in str(node.target)]
    assert names == ["pde_ops.integrate.default"]
    more = torch.randn(5, 4, 6, 5)
    torch.testing.assert_close(program.module()(more), layer(more), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_flops_are_two_for_each_multiply_accumulate(device):
    data = {k: v.to(device) for k, v in make_fields((2, 3, 4, 5)).items()}
    with FlopCounterMode(display=False) as counter:
        integrate(**data, steps=4, dt=0.2)
    assert counter.get_total_flops() == 2 * 7 * (4 + 1) * 2 * 3 * 4 * 5


def test_flops_of_the_backward():
    data = make_fields((1, 1, 4, 5), grad=True)
    with FlopCounterMode(display=False) as counter:
        integrate(**data, steps=2, dt=0.2).sum().backward()
    assert counter.get_total_flops() == 4 * 2 * 7 * 3 * 20


@pytest.mark.parametrize("backend", ["eager", "auto"])
@pytest.mark.parametrize(
    "shape", [(2, 3, 7, 5), (1, 1, 1, 1), (0, 3, 4, 4), (2, 0, 4, 4), (1, 2, 1, 9), (1, 2, 9, 1)]
)
@pytest.mark.parametrize("layout", ["contiguous", "channels_last", "strided"])
def test_any_shape_and_layout(backend, shape, layout):
    data = make_fields(shape, seed=13)
    expected = integrate_eager(**data, **PLAIN)
    if layout == "channels_last":
        data = {k: v.to(memory_format=torch.channels_last) for k, v in data.items()}
    elif layout == "strided":
        data = {k: torch.stack((v, v), -1)[..., 0] for k, v in data.items()}
    data = {k: v.requires_grad_(True) for k, v in data.items()}
    out = integrate(**data, **PLAIN, backend=backend)
    torch.testing.assert_close(out, expected, rtol=0, atol=1e-13)
    out.sum().backward()
    assert all(v.grad.shape == v.shape for v in data.values())


def test_autocast_trains():
    layer = GlobalLayer(4, steps=2)
    x = torch.randn(2, 4, 6, 5)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = layer(x)
    out.float().sum().backward()
    assert torch.isfinite(layer.velocity_x.transform.weight.grad).all()
    assert (out.float() - layer(x)).abs().max() < 0.1
