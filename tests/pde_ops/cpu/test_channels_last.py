"""The fused layer in evaluation on images whose channels lie side by side, against the eager definition."""

import copy

import pytest
import torch

from pde_ops import GlobalLayer
from pde_ops.cpu import backend as cpu_backend
from pde_ops.cpu import fused, prepared

if not cpu_backend.built():
    pytest.skip("no C++ compiler", allow_module_level=True)

LAST = torch.channels_last


def layer_and_input(channels=16, shape=(9, 7), dtype=torch.float32, **options):
    torch.manual_seed(0)
    layer = GlobalLayer(channels, **options).to(dtype)
    x = torch.randn(3, channels, *shape, dtype=dtype)
    layer(x)  # statistics that are not the initial ones
    return layer.eval(), x.to(memory_format=LAST)


def eager(layer, x):
    layer.backend = "eager"
    try:
        return layer(x)
    finally:
        layer.backend = "auto"


@pytest.fixture(autouse=True)
def no_gradients():
    with torch.no_grad():
        yield


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("steps", [1, 2, 3])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"boundary": "zero-flux"},
        {"diffusivity": 1.0},
        {"diffusivity": (0.25, 1.5), "boundary": "zero-flux"},
        {"velocity": 0.3, "bias": True},
        {"dx": 2, "dy": 3, "residual": True},
        {"dx": 2, "dy": 3, "boundary": "zero-flux"},
        {"kernel_size": 5, "activation": "hard-swish"},
        {"kernel_size": 1, "activation": "relu6"},
        {"use_source": False, "activation": "identity"},
        {"velocity_activation": "softsign", "coefficient_start": 0.7},
    ],
    ids=str,
)
def test_is_the_layer(options, steps, dtype):
    layer, x = layer_and_input(steps=steps, dtype=dtype, **options)
    out = layer(x)
    assert out.is_contiguous(memory_format=LAST)
    tolerance = {"rtol": 1e-4, "atol": 1e-5} if dtype == torch.float32 else {}
    torch.testing.assert_close(out, eager(layer, x), **tolerance)
    assert torch.equal(out, fused.forward(layer, x))


@pytest.mark.parametrize("steps", [1, 2])
@pytest.mark.parametrize("own", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("options", [{"bias": True}, {"diffusivity": 1.0, "residual": True}], ids=str)
def test_bfloat16_is_the_float32_layer_rounded_once(options, own, steps):
    layer, x = layer_and_input(32, steps=steps, **options)
    layer = layer.to(own)
    x = x.bfloat16()
    x[0, 1, 2, 3], x[1, 2, 3, 4], x[2, 3, 4, 5] = float("nan"), float("inf"), 1e-40
    out = layer(x)
    assert out.dtype == torch.bfloat16
    assert out.is_contiguous(memory_format=LAST)
    assert layer in prepared._prepared  # the short way
    exact = copy.deepcopy(layer).float()(x.float()).bfloat16()
    torch.testing.assert_close(out, exact, rtol=0, atol=0, equal_nan=True)
    layer.velocity_y.norm.bias.add_(1)  # in place
    exact = copy.deepcopy(layer).float()(x.float()).bfloat16()
    torch.testing.assert_close(layer(x), exact, rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("shape", [(1, 1), (1, 6), (5, 1), (32, 32)])
@pytest.mark.parametrize("channels", [16, 48, 64])
def test_sizes(channels, shape):
    layer, x = layer_and_input(channels, shape if shape != (1, 1) else (2, 2))
    x = x[:, :, : shape[0], : shape[1]].contiguous(memory_format=LAST)
    torch.testing.assert_close(layer(x), eager(layer, x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("channels", [1, 6, 24])
def test_channels_that_fill_no_cache_lines(channels):
    layer, x = layer_and_input(channels)
    torch.testing.assert_close(layer(x), eager(layer, x), rtol=1e-4, atol=1e-5)


def test_several_steps_of_a_large_map_take_the_other_order():
    layer, x = layer_and_input(16, (60, 60), steps=2)
    assert layer(x).is_contiguous()
    torch.testing.assert_close(layer(x), eager(layer, x), rtol=1e-4, atol=1e-5)
    layer.steps = 1
    assert layer(x).is_contiguous(memory_format=LAST)
    torch.testing.assert_close(layer(x), eager(layer, x), rtol=1e-4, atol=1e-5)


def test_strides_of_single_rows_are_the_fake_rules():
    layer, x = layer_and_input(16, (9, 9))
    base = torch.cat([x, x]).contiguous(memory_format=LAST)
    compiled = torch.compile(layer, backend="aot_eager", fullgraph=True)
    for part in (base[1:2, :, 3:4, :], base[1:2, :, 3:4, 4:5]):
        assert compiled(part).stride() == fused.forward(layer, part).stride()
        torch.testing.assert_close(compiled(part), eager(layer, part), rtol=1e-4, atol=1e-5)


def test_goes_back_and_forth():
    layer, x = layer_and_input(steps=2)
    plain = x.contiguous()
    for _ in range(2):
        assert layer(x).is_contiguous(memory_format=LAST)
        assert layer(plain).is_contiguous()
        torch.testing.assert_close(layer(x), layer(plain), rtol=1e-4, atol=1e-5)
    part = x[::2]  # neither format
    torch.testing.assert_close(layer(part), eager(layer, part), rtol=1e-4, atol=1e-5)


def test_threads_share_the_images():
    layer, x = layer_and_input(32, (32, 32), steps=2)
    threads = torch.get_num_threads()
    try:
        found = []
        for count in (1, 2, 3):
            torch.set_num_threads(count)
            found.append(layer(x))
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(out, found[0]) for out in found)


def test_compiled_and_recorded():
    layer, x = layer_and_input(steps=2)
    compiled = torch.compile(layer, backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(compiled(x), layer(x), rtol=1e-4, atol=1e-5)
    assert compiled(x).stride() == layer(x).stride()
    with torch.enable_grad():
        leaf = x.clone().requires_grad_(True)
        out = layer(leaf)
        out.sum().backward()
    torch.testing.assert_close(out.detach(), layer(x), rtol=1e-4, atol=1e-5)
    assert leaf.grad is not None


def test_whole_network_stays_in_its_format():
    from search_space.paper.networks import published

    network = published("ResNet-Global").build().eval()
    x = torch.randn(2, 3, 32, 32)
    expected = network(x)
    found = network.to(memory_format=LAST)(x.to(memory_format=LAST))
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)
