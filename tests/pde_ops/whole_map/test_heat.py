"""Heat flow against the matrix exponential of a dense Laplacian, its invariants, its gradient and its costs."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from pde_ops import GlobalLayer, HeatLayer, heat_flow
from pde_ops.whole_map.heat import basis, heat_matrices
from search_space.counting import count

F64 = torch.float64


def laplacian(size: int) -> torch.Tensor:
    """The second difference of a line with insulated ends, from the definition."""
    out = torch.zeros(size, size, dtype=F64)
    for i in range(size):
        for j in {i - 1, i + 1} & set(range(size)):
            out[i, i] -= 1
            out[i, j] += 1
    return out


@pytest.mark.parametrize(("rows", "columns"), [(7, 5), (1, 4), (16, 16), (2, 1)])
def test_is_the_exponential_of_a_dense_matrix_of_the_whole_plane(rows, columns):
    torch.manual_seed(0)
    x = torch.randn(2, 3, rows, columns, dtype=F64)
    time_x, time_y = torch.tensor([[0.0, 0.3, 40.0], [1.7, 0.0, 2.0]], dtype=F64)
    along_x = torch.kron(laplacian(rows), torch.eye(columns, dtype=F64))
    along_y = torch.kron(torch.eye(rows, dtype=F64), laplacian(columns))
    for c in range(3):
        matrix = torch.matrix_exp(time_x[c] * along_x + time_y[c] * along_y)
        expected = (x[:, c].flatten(1) @ matrix.T).view(2, rows, columns)
        torch.testing.assert_close(heat_flow(x, time_x, time_y)[:, c], expected, rtol=0, atol=1e-12)


def test_is_the_transform_times_the_decay_and_back():
    """The form of the paper, with the cosines written out."""
    n, time = 9, 0.8
    cells = torch.arange(n, dtype=F64)
    waves = torch.cos(torch.pi * cells[:, None] * (cells + 0.5) / n) * (2 / n) ** 0.5
    waves[0] /= 2**0.5
    decay = torch.exp(-time * 4 * torch.sin(torch.pi * cells / (2 * n)) ** 2)
    (matrix,) = heat_matrices(torch.tensor([time], dtype=F64), n)
    torch.testing.assert_close(matrix, waves.T @ (decay[:, None] * waves), rtol=0, atol=1e-14)


def test_keeps_the_mean_and_the_bounds():
    torch.manual_seed(1)
    x = torch.rand(4, 5, 11, 8, dtype=F64)
    times = torch.tensor([1e-4, 0.1, 1.0, 30.0, 1e3], dtype=F64)
    out = heat_flow(x, times, times.flip(0))
    torch.testing.assert_close(out.mean((2, 3)), x.mean((2, 3)), rtol=1e-12, atol=0)
    low, high = x.amin((2, 3), keepdim=True), x.amax((2, 3), keepdim=True)
    assert (out >= low - 1e-12).all()
    assert (out <= high + 1e-12).all()
    everywhere = heat_flow(x, times * 0 + 1e6, times * 0 + 1e6)
    torch.testing.assert_close(everywhere, x.mean((2, 3), keepdim=True).expand_as(x))


def test_flows_add_up_and_the_amount_is_a_share():
    torch.manual_seed(2)
    x = torch.randn(2, 3, 6, 7, dtype=F64)
    one, two = torch.rand(2, 3, dtype=F64), torch.rand(2, 3, dtype=F64)
    torch.testing.assert_close(heat_flow(heat_flow(x, *one), *two), heat_flow(x, *(one + two)))
    amount = torch.tensor([0.0, 0.25, -1.0], dtype=F64)
    expected = x + amount[:, None, None] * (heat_flow(x, *one) - x)
    torch.testing.assert_close(heat_flow(x, *one, amount), expected)


def test_gradients():
    torch.manual_seed(3)
    x = torch.randn(2, 3, 4, 5, dtype=F64, requires_grad=True)
    others = [torch.rand(3, dtype=F64, requires_grad=True) for _ in range(3)]
    assert torch.autograd.gradcheck(heat_flow, (x, *others))
    assert torch.autograd.gradgradcheck(heat_flow, (x, *others))
    layer = HeatLayer(3).double()
    assert torch.autograd.gradcheck(layer, (x,))


def test_the_layer_starts_with_heat_of_half_a_pixel_to_eight():
    layer = HeatLayer(5)
    assert set(layer.state_dict()) == {
        "log_time", "amount", "out_norm.weight", "out_norm.bias", "out_norm.running_mean",
        "out_norm.running_var", "out_norm.num_batches_tracked",
    }  # fmt: skip
    deviations = (2 * layer.log_time.exp()).sqrt()
    torch.testing.assert_close(deviations, torch.tensor([0.5, 1.0, 2.0, 4.0, 8.0]).repeat(2, 1))
    assert (layer.amount == 1).all()
    assert HeatLayer(1).log_time.isfinite().all()


def test_the_layer_learns_and_takes_any_size():
    layer = HeatLayer(4)
    for size in ((8, 8), (3, 10), (1, 1)):
        layer(torch.randn(4, 4, *size)).square().sum().backward()
    assert all(p.grad.isfinite().all() and p.grad.abs().sum() > 0 for p in layer.parameters())


@pytest.mark.parametrize("size", [(8, 8), (5, 9), (1, 1)])
def test_cost_in_closed_form_and_as_counted(size):
    h, w = size
    layer = HeatLayer(6)
    assert layer.cost(size) == count(layer, (6, h, w))
    assert layer.cost(size).macs == (h + w + 1) * 6 * h * w
    assert layer.cost(size).params == 5 * 6
    block = GlobalLayer(6, steps=1)
    assert HeatLayer(6, init=block).cost(size) == layer.cost(size) + block.cost(size)


def test_the_basis_is_kept_for_a_size_but_not_for_a_trace():
    like = torch.zeros(1)
    assert basis(6, like)[1] is basis(6, like)[1]
    with torch.inference_mode():
        kept = basis(13, like)[1]
    assert not kept.is_inference()
    layer = HeatLayer(2).eval()
    exported = torch.export.export(layer, (torch.randn(2, 2, 15, 15),))
    x = torch.randn(2, 2, 15, 15)
    torch.testing.assert_close(exported.module()(x), layer(x), rtol=1e-4, atol=1e-5)


def test_compiles_whole():
    layer, x = HeatLayer(3).eval(), torch.randn(2, 3, 10, 6)
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(x), layer(x), rtol=1e-4, atol=1e-5)


def test_autocast():
    layer, x = HeatLayer(3), torch.randn(4, 3, 10, 6)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = layer(x)
    assert (out.float() - layer(x)).abs().max() < 0.1
    assert isinstance(layer, nn.Module)
