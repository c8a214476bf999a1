"""The short way to the kernel without gradients: taken where it may be, and never with what is out of date."""

import copy
import gc
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch.func import functional_call, vmap
from torch.utils.flop_counter import FlopCounterMode

from pde_ops import GlobalLayer
from pde_ops.blocks import Convolution
from pde_ops.cpu import backend as cpu_backend
from pde_ops.cpu import fused, prepared

if not cpu_backend.built():
    pytest.skip("no C++ compiler", allow_module_level=True)

SHAPE = (3, 4, 16, 16)


def layer_and_input(**options):
    torch.manual_seed(0)
    layer = GlobalLayer(4, **{"steps": 2, **options})
    x = torch.randn(SHAPE)
    for _ in range(3):
        layer(x)  # statistics that are not the initial ones
    return layer.eval(), x


def expected(layer, x):
    """By torch's own operations; a copy would not have what was done to this very object."""
    backend, layer.backend = layer.backend, "eager"
    try:
        return layer(x)
    finally:
        layer.backend = backend


def short_way(layer, x):
    """The output, and whether what had been prepared before was used for it."""
    before = prepared._prepared.get(layer)
    out = layer(x)
    return out, before is not None and prepared._prepared.get(layer) is before


@pytest.fixture(autouse=True)
def no_gradients():
    with torch.no_grad():
        yield


@pytest.mark.parametrize("options", [{}, {"velocity": 0.3}, {"bias": True, "residual": True}, {"steps": 1}])
def test_is_the_layer_and_prepares_once(options):
    layer, x = layer_and_input(**options)
    wanted = expected(layer, x)
    torch.testing.assert_close(layer(x), wanted, rtol=1e-4, atol=1e-5)
    out, used = short_way(layer, x)
    assert used
    assert torch.equal(out, fused.forward(layer, x))


def double_weights(layer):
    layer.velocity_x.transform.weight.mul_(2)


def replace_data(layer):
    layer.diffusivity_y.transform.weight.data = torch.randn(4, 1, 3, 3)


def replace_parameter(layer):
    layer.out_norm.weight = torch.nn.Parameter(torch.randn(4))


def replace_module(layer):
    layer.velocity_y.transform = Convolution(4, 4, 3, groups=4)


def replace_statistics(layer):
    layer.out_norm.running_var = torch.rand(4) + 1


def other_class(layer):
    class Shifted(Convolution):
        def forward(self, x):
            return super().forward(x) + 1

    layer.velocity_x.transform.__class__ = Shifted


def load(layer):
    layer.load_state_dict(
        {name: torch.rand_like(t) if t.dim() else t for name, t in layer.state_dict().items()}
    )


def settings(**changed):
    def change(layer):
        for name, value in changed.items():
            setattr(layer, name, value)

    change.__name__ = str(changed)
    return change


def other_eps(layer):
    for part in (layer.velocity_x, layer.velocity_y, layer.diffusivity_x, layer.diffusivity_y):
        part.norm.eps = 3.0


def one_multiplier(layer):
    layer.velocity_x.norm.multiplier = 2.0


def hook(layer):
    layer.velocity_x.norm.register_forward_hook(lambda module, inputs, out: out + 1)


def parametrized(layer):
    torch.nn.utils.parametrizations.weight_norm(layer.diffusivity_x.transform)
    layer.diffusivity_x.transform.parametrizations.weight.original0.mul_(3)


def strided_gain(layer):
    layer.out_norm.weight.data = torch.rand(8)[::2]


def turned_weights(layer):
    weight = layer.velocity_x.transform.weight
    weight.data = weight.data.transpose(2, 3)


CHANGES = [
    strided_gain, turned_weights,
    double_weights, replace_data, replace_parameter, replace_module, replace_statistics, other_class, load,
    settings(steps=4), settings(dt=0.1), settings(boundary="zero-flux"), settings(residual=True),
    settings(activation="hard-swish"), settings(activation="silu"), settings(product=True),
    settings(use_source=False), other_eps, one_multiplier, hook, parametrized,
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_sees_what_changes(change):
    layer, x = layer_and_input()
    before = layer(x)
    change(layer)
    out = layer(x)
    assert not torch.allclose(out, before)
    torch.testing.assert_close(out, expected(layer, x), rtol=1e-4, atol=1e-5)


def test_sees_training_and_evaluation():
    layer, x = layer_and_input()
    before = layer(x)
    mean = layer.out_norm.running_mean.clone()
    layer.train()
    assert not torch.allclose(layer(x), before)
    assert not torch.equal(layer.out_norm.running_mean, mean)
    layer.eval()
    torch.testing.assert_close(layer(x), expected(layer, x), rtol=1e-4, atol=1e-5)


def test_sees_another_size_type_and_order_in_memory():
    layer, x = layer_and_input()
    layer(x)
    for other in (x[:2], x[:, :, :9, :7], x.to(memory_format=torch.channels_last)):
        torch.testing.assert_close(layer(other), expected(layer, other), rtol=1e-4, atol=1e-5)
    layer.double()
    torch.testing.assert_close(layer(x.double()), expected(layer, x.double()))
    layer.float()
    torch.testing.assert_close(layer(x), expected(layer, x), rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match="the state is"):
        layer(x[:, :3])


def test_stands_aside_where_somebody_watches_or_transforms():
    layer, x = layer_and_input()
    out = layer(x)
    with FlopCounterMode(display=False) as counter:
        layer(x)
    assert "pde_ops.global_layer" in map(str, counter.get_flop_counts()["Global"])
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        layer(x)
    assert "pde_ops::global_layer" in {event.key for event in profile.key_averages()}
    other = {name: p * 2 for name, p in layer.named_parameters()}
    assert not torch.allclose(functional_call(layer, other, (x,)), out)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(layer(x), out)  # it is no operator that autocast narrows
    with torch.enable_grad():
        assert layer(x).requires_grad
    assert torch.equal(layer(x), out)


def test_traced_exported_compiled_and_mapped():
    layer, x = layer_and_input()
    out = layer(x)
    traced = torch.jit.trace(layer, x, check_trace=False)
    exported = torch.export.export(layer, (x,)).module()
    compiled = torch.compile(layer, backend="aot_eager", fullgraph=True)
    for other in (traced, exported, compiled):
        torch.testing.assert_close(other(x + 1), layer(x + 1), rtol=1e-4, atol=1e-5)
    mapped = vmap(lambda one: layer(one[None])[0])(x)
    torch.testing.assert_close(mapped, out, rtol=1e-4, atol=1e-5)


def test_threads_share_a_layer():
    layer, _ = layer_and_input()
    inputs = [torch.randn(SHAPE) for _ in range(64)]
    one_by_one = [layer(x) for x in inputs]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda x: torch.inference_mode()(layer)(x), inputs))
    assert all(torch.equal(a, b) for a, b in zip(one_by_one, together, strict=True))


def test_copies_are_their_own_and_nothing_outlives_the_layer():
    layer, x = layer_and_input()
    out = layer(x)
    twin = copy.deepcopy(layer)
    twin.out_norm.bias.add_(1)
    assert not torch.equal(twin(x), out)
    assert torch.equal(layer(x), out)
    gone = [weakref.ref(layer), weakref.ref(layer.velocity_x.transform)]
    del layer
    gc.collect()
    assert [ref() for ref in gone] == [None, None]
