"""The implicit step against a dense solution, its invariants, its gradients, and the kernel against the definition."""

from __future__ import annotations

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from pde_ops import ImplicitLayer, implicit_step
from pde_ops.cpu import backend as cpu_backend
from pde_ops.layer import Path
from pde_ops.whole_map.implicit import Fields, implicit_step_adjoint, implicit_step_eager
from search_space.counting import count

F64 = torch.float64
BACKENDS = [
    "eager",
    pytest.param("cpu", marks=pytest.mark.skipif(not cpu_backend.built(), reason="no C++ compiler here")),
]
SHAPES = [(2, 3, 7, 5), (1, 2, 16, 16), (2, 1, 1, 6), (1, 1, 9, 1), (1, 2, 33, 2)]


def make(shape, *, scale: float = 1.0, seed: int = 0, source: bool = True, grad: bool = False) -> Fields:
    generator = torch.Generator().manual_seed(seed)

    def field(factor: float = 1.0):
        return factor * torch.randn(shape, dtype=F64, generator=generator)

    time = 0.2 + torch.rand(shape[1], dtype=F64, generator=generator)
    coefficients = [field(scale) for _ in range(4)]
    fields = Fields(field(), field() if source else None, *coefficients, time)
    return Fields(*(None if f is None else f.requires_grad_(grad) for f in fields))


def run(fields: Fields, backend: str = "auto", background: float = 0.3) -> torch.Tensor:
    h, source, *others = fields
    return implicit_step(h, *others, source=source, background=background, backend=backend)


def dense(velocity: torch.Tensor, diffusivity: torch.Tensor, time: float, background: float) -> torch.Tensor:
    """I - time A of one line of n cells, entry by entry: upwind differences, none across a wall."""
    n = len(velocity)
    matrix = torch.eye(n, dtype=F64)
    for i in range(n):
        for j, carried in ((i + 1, velocity[i]), (i - 1, -velocity[i])):
            if 0 <= j < n:
                rate = time * (background + max(diffusivity[i].item(), 0.0) + max(carried.item(), 0.0))
                matrix[i, i] += rate
                matrix[i, j] -= rate
    return matrix


def by_dense_matrices(fields: Fields, background: float) -> torch.Tensor:
    h, source, u, v, dx, dy, time = fields
    out = h.clone()
    for n in range(h.shape[0]):
        for c in range(h.shape[1]):
            t = (time[c].item(), background)
            for j in range(h.shape[3]):
                out[n, c, :, j] = torch.linalg.solve(
                    dense(u[n, c, :, j], dx[n, c, :, j], *t), out[n, c, :, j]
                )
            for i in range(h.shape[2]):
                out[n, c, i] = torch.linalg.solve(dense(v[n, c, i], dy[n, c, i], *t), out[n, c, i])
    return out if source is None else out + time[:, None, None] * source


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("source", "background"), [(True, 0.0), (False, 0.4)])
def test_is_the_dense_solution(backend, shape, source, background):
    fields = make(shape, scale=3.0, source=source)
    expected = by_dense_matrices(fields, background)
    torch.testing.assert_close(run(fields, backend, background), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3, 1e6])
def test_is_a_weighted_mean_whatever_the_coefficients(backend, scale):
    fields = make((2, 3, 12, 9), scale=scale, source=False)
    low, high = fields.h.amin((2, 3), keepdim=True), fields.h.amax((2, 3), keepdim=True)
    out = run(fields, backend)
    assert (out >= low - 1e-9).all()
    assert (out <= high + 1e-9).all()
    even = run(fields._replace(h=torch.full_like(fields.h, 1.5)), backend)
    torch.testing.assert_close(even, torch.full_like(even, 1.5), rtol=0, atol=1e-9)


@pytest.mark.parametrize("backend", BACKENDS)
def test_many_steps_stay_bounded_in_float32(backend):
    fields = Fields(*(f.float() for f in make((1, 2, 16, 16), scale=1e3)))._replace(source=None)
    for _ in range(50):
        fields = fields._replace(h=run(fields, backend))
    assert fields.h.abs().max() <= 6


def test_diffusion_alone_keeps_the_mean_and_velocity_carries_to_lower_indices():
    fields = make((1, 2, 10, 8), source=False)
    zero = torch.zeros_like(fields.h)
    even = fields._replace(
        velocity_x=zero, velocity_y=zero, diffusivity_x=zero + 0.7, diffusivity_y=zero + 3.0
    )
    torch.testing.assert_close(run(even).mean((2, 3)), fields.h.mean((2, 3)))
    point = zero.clone()
    point[:, :, 5, 4] = 1.0
    carried = run(Fields(point, None, zero + 2.0, zero, zero, zero, fields.time), background=0.0)
    assert (carried[:, :, :5, 4] > 0).all()
    assert (carried[:, :, 6:] == 0).all()
    assert (carried[:, :, :, :4] == 0).all()


def test_every_cell_depends_on_every_cell():
    fields = make((1, 1, 6, 7), scale=2.0, seed=3, source=False)
    slopes = torch.autograd.functional.jacobian(lambda h: run(fields._replace(h=h)), fields.h)
    assert (slopes > 0).all()


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("shape", [(2, 2, 3, 4), (1, 1, 1, 3), (1, 2, 5, 1)])
@pytest.mark.parametrize("source", [True, False])
def test_gradients(backend, shape, source):
    fields = make(shape, source=source, grad=True, seed=5)
    given = [field for field in fields if field is not None]

    def call(*tensors):
        left = iter(tensors)
        return run(Fields(*(None if field is None else next(left) for field in fields)), backend)

    assert torch.autograd.gradcheck(call, given)


def test_the_adjoint_is_what_autograd_finds_through_the_definition():
    fields = make((2, 3, 9, 6), grad=True, seed=7)
    grad = torch.randn((2, 3, 9, 6), dtype=F64)
    traced = torch.autograd.grad(implicit_step_eager(fields, 0.2), fields, grad)
    for ours, theirs in zip(implicit_step_adjoint(grad, fields, 0.2), traced, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12)


@pytest.mark.skipif(not cpu_backend.built(), reason="no C++ compiler here")
@pytest.mark.parametrize("shape", [(3, 4, 8, 8), (2, 2, 32, 32), (2, 3, 17, 11), (0, 2, 4, 4)])
def test_the_kernel_is_the_definition_in_float32(shape):
    wide = make(shape, grad=True)
    narrow = Fields(*(field.detach().float().requires_grad_(True) for field in wide))
    outs = [run(narrow, "cpu"), run(wide, "eager")]
    grad = torch.randn(shape, dtype=F64)
    found = torch.autograd.grad(outs[0], narrow, grad.float())
    expected = torch.autograd.grad(outs[1], wide, grad)
    for ours, theirs in zip((outs[0], *found), (outs[1], *expected), strict=True):
        torch.testing.assert_close(ours.double(), theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("backend", ["eager", "auto"])
def test_opcheck(backend):
    given = [field.float().detach().requires_grad_(True) for field in make((2, 3, 4, 5))]
    for arguments in ((*given, 0.1, backend), (given[0], None, *given[2:], 0.0, backend)):
        results = torch.library.opcheck(torch.ops.pde_ops.implicit_step, arguments)
        assert set(results.values()) == {"SUCCESS"}


def test_types_and_layouts():
    fields = make((2, 4, 6, 5))
    expected = run(fields, "eager")
    last = Fields(*(f.contiguous(memory_format=torch.channels_last) if f.dim() == 4 else f for f in fields))
    torch.testing.assert_close(run(last), expected)
    half = Fields(*(f.bfloat16() for f in fields))
    assert run(half).dtype == torch.bfloat16
    torch.testing.assert_close(run(half).double(), expected, rtol=0.05, atol=0.05)
    assert run(half._replace(h=fields.h.float())).dtype == torch.float32


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"h": torch.zeros(3)}, r"h is a torch.float32 tensor \(3,\); accepted: a floating-point tensor \(N"),
        ({"velocity_y": 1.0}, r"velocity_y is 1.0; accepted: a floating-point tensor \(2, 3, 4, 5\)"),
        ({"time": torch.ones(2)}, r"time is .*\(2,\); accepted: a floating-point tensor \(3,\)"),
        ({"source": torch.ones(3, dtype=torch.int64)}, "source is a torch.int64 tensor"),
    ],
)
def test_what_cannot_work_is_named(change, message):
    with pytest.raises(ValueError, match=message):
        run(make((2, 3, 4, 5))._replace(**change))
    with pytest.raises(ValueError, match="background is -1; accepted: a finite number >= 0"):
        run(make((2, 3, 4, 5)), background=-1)
    with pytest.raises(ValueError, match="backend is 'gpu'; accepted: auto, eager, cpu"):
        run(make((2, 3, 4, 5)), "gpu")


def test_layer_state_cost_and_start():
    layer = ImplicitLayer(6)
    norm = ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]
    names = [
        f"{name}.transform.weight" for name in ("velocity_x", "velocity_y", "diffusivity_x", "diffusivity_y")
    ]
    assert {"log_time", *names, *(f"out_norm.{name}" for name in norm)} < set(layer.state_dict())
    assert len(layer.state_dict()) == 1 + 4 * 6 + 5
    for h, w in ((8, 8), (5, 9), (1, 3)):
        assert layer.cost((h, w)) == count(layer, (6, h, w))
        assert layer.cost((h, w)).macs == (36 + 17) * 6 * h * w
    assert layer.cost((2, 2)).params == 47 * 6
    torch.testing.assert_close(layer.log_time.exp(), torch.full((6,), 0.1))
    with pytest.raises(ValueError, match="time_start is 0; accepted"):
        ImplicitLayer(6, time_start=0)


def layers(backends, dtype=F64, channels=4):
    """The same layer, with norms as after a training, for each backend."""
    found = []
    for backend in backends:
        torch.manual_seed(0)
        layer = ImplicitLayer(channels, time_start=0.7, backend=backend).to(dtype)
        for parameter in layer.parameters():
            if parameter.dim() == 1:
                parameter.data += 0.2 * torch.randn(parameter.shape).to(dtype)
        found.append(layer)
    return found


@pytest.mark.skipif(not cpu_backend.built(), reason="no C++ compiler here")
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, F64])
@pytest.mark.parametrize("shape", [(3, 4, 8, 6), (10, 2, 8, 8), (5, 2, 16, 16), (9, 3, 5, 3), (2, 2, 32, 32), (3, 1, 21, 24), (2, 2, 19, 23), (6, 2, 1, 4)])  # fmt: skip
def test_the_fused_layer_is_the_definition(shape, dtype, training):
    (ours,), (theirs,) = layers(["auto"], dtype, shape[1]), layers(["eager"], F64, shape[1])
    x = torch.randn(shape, dtype=dtype)
    grad = torch.randn(shape, dtype=F64)
    found = []
    for layer, given in ((ours, x), (theirs, x.double())):
        layer(given)  # statistics that are not the initial ones
        layer.train(training)
        given = given.clone().requires_grad_(True)
        out = layer(given)
        gradients = torch.autograd.grad(out, [given, *layer.parameters()], grad.to(given.dtype))
        found.append([out, *layer.buffers(), *gradients])
    assert ours.path(x) == Path("fused")
    scale = max(gradient.abs().max() for gradient in found[1][len(list(theirs.buffers())) + 2 :])
    tolerance = 2e-4 if dtype == torch.float32 else 1e-9
    for one, other in zip(*found, strict=True):
        assert (one.double() - other).abs().max() <= tolerance * max(other.abs().max(), 0.1 * scale, 1e-3)


def test_the_fused_layer_has_its_gradients():
    (layer,) = layers(["auto"], channels=2)
    x = torch.randn(3, 2, 4, 3, dtype=F64, requires_grad=True)
    layer(x)
    assert torch.autograd.gradcheck(layer.eval(), (x,))
    names = [name for name, _ in layer.named_parameters()]

    def call(*values):
        return torch.func.functional_call(layer, dict(zip(names, values, strict=True)), (x.detach(),))

    assert torch.autograd.gradcheck(
        call, [p.detach().clone().requires_grad_(True) for p in layer.parameters()]
    )


def test_layer_learns_all_it_has():
    (layer,) = layers(["auto"])
    layer(torch.randn(3, 4, 8, 6, dtype=F64)).pow(3).sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in layer.parameters())


@pytest.mark.skipif(not cpu_backend.built(), reason="no C++ compiler here")
def test_layer_says_its_path():
    layer, x = ImplicitLayer(4), torch.randn(2, 4, 5, 5)
    half = "the fused kernel takes float32, float64 and bfloat16 alone"
    assert layer.path(x) == Path("fused")
    assert layer.path(x.half()) == Path("eager", f"{half}; it has no torch.float16")
    hooked = ImplicitLayer(4)
    hooked.out_norm.register_forward_hook(lambda *_: None)
    assert hooked.path(x) == Path("composed", "a hook watches out_norm")
    eager = ImplicitLayer(4, backend="eager")
    assert eager.path(x) == Path("eager", "the fused kernel has no backend='eager'")
    with pytest.raises(ValueError, match="backend='cpu' cannot run: it has no torch.float16"):
        ImplicitLayer(4, backend="cpu").path(x.half())


def test_layer_exports_as_one_node_and_compiles():
    layer, x = ImplicitLayer(3).eval(), torch.randn(2, 3, 6, 5)
    program = torch.export.export(layer, (x,), dynamic_shapes=({0: torch.export.Dim("batch")},))
    names = [str(node.target) for node in program.graph.nodes if "pde_ops" in str(node.target)]
    assert names == ["pde_ops.implicit_step.default"]
    more = torch.randn(5, 3, 6, 5)
    torch.testing.assert_close(program.module()(more), layer(more), rtol=1e-4, atol=1e-5)
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(x), layer(x), rtol=1e-4, atol=1e-5)


def test_flops_are_two_for_each_multiply_accumulate():
    fields = make((2, 3, 4, 5), grad=True)
    with FlopCounterMode(display=False) as counter:
        run(fields).sum().backward()
    assert counter.get_total_flops() == 4 * 2 * 17 * 120
