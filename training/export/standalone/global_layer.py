"""`pde_ops.GlobalLayer` as classes of one network: an option that all its layers agree in is a constant there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pde_ops import GlobalLayer
from pde_ops.options import Options
from training.export.standalone.code import Call, Channels, Name, expression, signature
from training.export.standalone.equation import Equation, equation, parameters
from training.export.standalone.writer import Writer, writes

ACTIVATIONS = {
    "relu": "F.relu({})", "relu6": "F.relu6({})", "silu": "F.silu({})", "hard-swish": "F.hardswish({})",
    "tanh": "torch.tanh({})", "softsign": "F.softsign({})", "identity": "{}",
}  # fmt: skip
# Transforms that are blocks, and the pieces for them.
BLOCKS = {"basic-block": "BasicBlock", "separable-block": "SeparableBasicBlock", "bottleneck": "Bottleneck"}
OWN_SIZE = ("depthwise", "depthwise-bias", "full")  # transforms that have the option kernel_size
# Parameters of a layer's class, beside channels and steps, where the network's layers differ in them.
TYPES = {
    "kernel_size": "int", "bias": "bool", "eps": "float", "dt": "float", "dx": "int", "dy": "int",
    "d_x": "float", "d_y": "float", "velocity_x": "float", "velocity_y": "float",
}  # fmt: skip
CHANNELS = Name("channels")


def values(layer: GlobalLayer) -> dict[str, Any]:
    """What may be a parameter, by name, as far as this layer has it."""
    options = layer.options
    found: dict[str, Any] = {"dt": options.dt}
    learned = [
        getattr(options, name) for name in ("velocity", "diffusivity") if options.numbers(name) is None
    ]
    if any(kind in OWN_SIZE for kind in learned):
        found["kernel_size"] = options.kernel_size
    if "depthwise" in learned:
        found["bias"] = options.bias
    if learned:
        eps, channels = options.coefficient_eps, options.channels
        found["eps"] = CHANNELS if eps == channels else eps
    if (options.dx, options.dy) != (1, 1):
        found |= {"dx": options.dx, "dy": options.dy}
    for name, written in (("velocity", "velocity"), ("diffusivity", "d")):
        numbers = options.numbers(name)
        if numbers is not None and any(numbers):
            found |= {f"{written}_x": numbers[0], f"{written}_y": numbers[1]}
    return found


def fixed(writer: Writer) -> dict[str, Any]:
    """By name the values that all of the network's layers agree in."""
    layers = [module for module in writer.model.modules() if isinstance(module, GlobalLayer)]
    found: dict[str, list[Any]] = {}
    for layer in layers:
        for name, value in values(layer).items():
            if value not in found.setdefault(name, []):
                found[name].append(value)
    return {name: several[0] for name, several in found.items() if len(several) == 1}


@dataclass(frozen=True)
class Variant:
    """What makes a class of its own: the options that ``shape`` it, the ``names`` of its `values`, and whether state and
    source are ``given`` as two inputs. ``options`` are those of one layer of the class."""

    shape: tuple[Any, ...]
    names: tuple[str, ...]
    given: bool
    options: Options = field(compare=False)

    @property
    def own_source(self) -> bool:
        """Whether state and source are the same."""
        return bool(self.shape[-1])


def variant(layer: GlobalLayer, given: bool = False) -> Variant:
    """The layer's variant."""
    options = layer.options

    def kind(name: str) -> Any:
        numbers = options.numbers(name)
        return getattr(options, name) if numbers is None else any(numbers)

    own_source = not given and (layer.init is None or options.init_changes_shape)
    inputs = () if own_source else (options.previous, options.velocity_input)
    shape = (
        kind("velocity"), kind("diffusivity"), options.boundary, (options.dx, options.dy) != (1, 1), options.product,
        options.use_source, options.residual, options.activation, options.resolved("velocity_activation"),
        _multiplier(options), inputs, own_source,
    )  # fmt: skip
    return Variant(shape, tuple(values(layer)), given, options)


def _multiplier(options: Options) -> float:
    return options.coefficient_start if options.start_mechanism == "multiplier" else 1.0


@writes("pde_ops.layer.GlobalLayer")
def write_layer(writer: Writer, layer: GlobalLayer) -> Call:
    return layer_call(writer, layer)


def layer_call(writer: Writer, layer: GlobalLayer, *, given: bool = False) -> Call:
    """The call that makes the layer; with ``given`` of a class whose forward takes state and source."""
    wanted, known = variant(layer, given), fixed(writer)
    inits = [
        module.init for module in writer.model.modules()
        if isinstance(module, GlobalLayer) and variant(module) == wanted
    ]  # fmt: skip
    absent = given or all(each is None for each in inits)
    init = "no" if absent else "some" if None in inits else "all"
    name = writer.generated(
        wanted, _title(wanted.options), lambda name: _class(writer, name, wanted, init, known)
    )
    arguments: dict[str, Any] = {"steps": layer.options.steps}
    if layer.init is not None:
        arguments["init"] = writer.call(layer.init).whole()
    own = {name: value for name, value in values(layer).items() if name not in known}
    if "eps" in own:
        own["eps"] = float(layer.options.coefficient_eps)
    return Call(name, (Channels(layer.options.channels),), arguments | own)


def _title(options: Options) -> str:
    velocity, diffusivity = options.numbers("velocity"), options.numbers("diffusivity")
    if velocity is not None and not any(velocity):
        return "DiffusionLayer"
    if diffusivity is not None:
        return "ConstantDiffusivityLayer" if any(diffusivity) else "AdvectionLayer"
    return "BlockGlobalLayer" if options.velocity in BLOCKS else "GlobalLayer"


def _class(writer: Writer, name: str, wanted: Variant, init: str, known: dict[str, Any]) -> str:
    """The class's source."""
    options = wanted.options
    own = [each for each in wanted.names if each not in known]
    given = ["self", "channels: int", "steps: int"]
    if init != "no":
        given += ["init: nn.Module" if init == "all" else "init: nn.Module | None = None"]
    if init == "some" and own:
        given += ["*"]  # after an optional parameter all are by name
    given += [f"{each}: {TYPES[each]}" for each in own]
    learned = [each for each in ("velocity", "diffusivity") if options.numbers(each) is None]
    body = ["super().__init__()", "self.steps = steps"]
    if init == "some":
        body += ["self.init = nn.Identity() if init is None else init"]
    elif init == "all":
        body += ["self.init = init"]
    for each in learned:
        made = _coefficient(writer, getattr(options, each), options, known)
        body += [f"self.{each}_{axis} = {made}" for axis in "xy"]
    body += ["self.out_norm = nn.BatchNorm2d(channels)"]
    body += [f"self.{each} = {each}" for each in own if each not in ("kernel_size", "bias", "eps")]
    lines = [
        f"class {name}(nn.Module):",
        f'    """{_words(options, learned)}"""',
        "",
        signature("__init__", given, "None", 4),
        *(f"        {line}" for line in body),
        "",
        *(f"    {line}" for line in _forward(writer, wanted, init, known)),
    ]
    return "\n".join(lines) + "\n"


def _words(options: Options, learned: list[str]) -> str:
    """What the layer does, on one line."""
    velocity, diffusivity = options.numbers("velocity"), options.numbers("diffusivity")
    carried = velocity is None or any(velocity)
    spread = diffusivity is None or any(diffusivity)
    what = " and ".join(["carried"] * carried + ["spread"] * spread) or "kept"
    made = " and ".join({"velocity": "velocities", "diffusivity": "diffusivities"}[each] for each in learned)
    return f"The map {what} by {made} made of it." if made else f"The map {what}."


def _forward(writer: Writer, wanted: Variant, init: str, known: dict[str, Any]) -> list[str]:
    """The layer's forward; its state is ``h``, its source ``f`` where it is another."""
    options, separate = wanted.options, not wanted.own_source
    source = "f" if separate else "h"
    if wanted.given:
        lines = ["def forward(self, h: Tensor, f: Tensor) -> Tensor:"]
    elif separate:
        lines = ["def forward(self, f: Tensor) -> Tensor:", "    h = self.init(f)"]
    else:
        lines = ["def forward(self, h: Tensor) -> Tensor:"] + ["    h = self.init(h)"] * (init != "no")
    passed = {"h": "h", "f": source, "before": source}
    made_of = source if options.velocity_input == "source" else "h"
    activation = options.resolved("velocity_activation")
    for field_lines, names in (
        _fields(options, known, "velocity", ("u", "v"), activation, made_of),
        _fields(options, known, "diffusivity", ("d_x", "d_y"), options.activation, "h"),
    ):
        lines += [f"    {line}" for line in field_lines]
        passed |= names
    before = options.previous
    if not options.use_source:
        before = "given" if before == "source" and separate else "state"
    solved = Equation(
        advection="u" in passed, diffusion="d_x" in passed, source=options.use_source, before=before,
        walls=options.boundary == "zero-flux", spaced=(options.dx, options.dy) != (1, 1),
    )  # fmt: skip
    names_taken = [each.partition(":")[0] for each in parameters(solved)]
    split = names_taken.index("*")
    by_name = {"steps": "self.steps"} | {each: _value(known, each) for each in names_taken[split + 2 :]}
    call = Call(
        equation(writer, solved),
        tuple(Name(passed[each]) for each in names_taken[:split]),
        {each: Name(text) for each, text in by_name.items()},
    )
    result = "after" if options.residual and not separate else "h"
    out = ACTIVATIONS[options.activation].format(f"self.out_norm({result})")
    return [
        *lines,
        f"    {result} = {expression(call, 8, len(result) + 3)}",
        f"    return {out}{f' + {source}' if options.residual else ''}",
    ]


def _fields(
    options: Options, known: dict[str, Any], name: str, axes: tuple[str, str], activation: str, made_of: str
) -> tuple[list[str], dict[str, str]]:
    """The lines that make velocities or diffusivities, and what the equation takes for them along both ``axes``."""
    x, y = axes
    numbers, act = options.numbers(name), ACTIVATIONS[activation]
    if numbers is not None and not any(numbers):
        return [], {}
    if numbers is not None and name == "diffusivity":
        return [], {each: _value(known, each) for each in axes}
    if numbers is not None:
        given = {x: _value(known, "velocity_x"), y: _value(known, "velocity_y")}
        return [f"{each} = torch.full_like(h, {number})" for each, number in given.items()], {x: x, y: y}
    of_x, of_y = (f"self.{name}_{axis}({made_of})" for axis in "xy")
    if options.product:
        both = "velocity" if name == "velocity" else "d"
        product = f"{of_x} * {act.format(of_y)}"
        return [f"{both} = {act.format(product)}"], {x: both, y: both}
    return [f"{x} = {act.format(of_x)}", f"{y} = {act.format(of_y)}"], {x: x, y: y}


def _value(known: dict[str, Any], name: str) -> str:
    """A constant, or an attribute where the network's layers differ in it."""
    return expression(known[name]) if name in known else f"self.{name}"


def _coefficient(writer: Writer, kind: str, options: Options, known: dict[str, Any]) -> str:
    """The call that makes a coefficient within the layer's class."""
    multiplier = _multiplier(options)
    key = ("coefficient", kind, multiplier)
    names = ["kernel_size"] if kind in OWN_SIZE else []
    names += ["bias"] if kind == "depthwise" else []
    own = [name for name in (*names, "eps") if name not in known]

    def make(name: str) -> str:
        return _coefficient_class(writer, name, kind, multiplier, own, known)

    name = writer.generated(key, "BlockCoefficient" if kind in BLOCKS else "Coefficient", make)
    return f"{name}({', '.join(['channels', *own])})"


def _coefficient_class(
    writer: Writer, name: str, kind: str, multiplier: float, own: list[str], known: dict[str, Any]
) -> str:
    def value(option: str) -> Any:
        return Name(option) if option in own else known[option]

    eps = value("eps")
    norm_options = {} if eps == 1e-5 else {"eps": eps}
    if multiplier == 1.0:
        norm = Call("nn.BatchNorm2d", (CHANNELS,), norm_options)
    else:
        norm = writer.piece("ScaledNorm", CHANNELS, multiplier, **norm_options)
    given = ["self", "channels: int", *(f"{option}: {TYPES[option]}" for option in own)]
    words, transform = _transform(writer, kind, value)
    lines = [
        f"class {name}(nn.Sequential):",
        f'    """What a velocity or diffusivity is made by: {words}, batch norm."""',
        "",
        signature("__init__", given, "None", 4),
        "        super().__init__()",
        f"        self.transform = {expression(transform, 8, len('self.transform = '))}",
        f"        self.norm = {expression(norm, 8, len('self.norm = '))}",
    ]
    return "\n".join(lines) + "\n"


def _transform(writer: Writer, kind: str, value: Any) -> tuple[str, Call]:
    """What it is in words, and the call that makes it."""
    if kind in BLOCKS:
        return "a residual block", writer.piece(BLOCKS[kind], CHANNELS)
    if kind == "identity":
        return "the map", Call("nn.Identity")
    if kind == "pointwise":
        return "a 1x1 convolution", Call("nn.Conv2d", (CHANNELS, CHANNELS, 1))
    size = value("kernel_size")
    padding = Name("kernel_size // 2") if isinstance(size, Name) else size // 2
    options: dict[str, Any] = {"padding": padding}
    if kind != "full":
        options["groups"] = CHANNELS
        if kind == "depthwise" and value("bias") is not True:
            options["bias"] = value("bias")
    words = "convolution" if kind == "full" else "depthwise convolution"
    return words, Call("nn.Conv2d", (CHANNELS, CHANNELS, size), options)


@writes("search_space.families.mnist.Backbone")
def _backbone(writer: Writer, module: Any) -> Call:
    if module.kind == "convolution":
        return writer.piece("ConvolutionFeatures", module.channels)
    if module.kind.startswith("residual_"):
        return writer.piece("ResidualFeatures", module.channels, module.steps)
    run = equation(writer, Equation(advection=True, diffusion=True))
    name = writer.generated("shared", "SharedGlobalFeatures", lambda name: _shared(name, run))
    return Call(name, (module.channels, module.steps))


def _shared(name: str, run: str) -> str:
    return f'''class {name}(nn.Module):
    """The map carried and spread; one convolution of it makes both velocities."""

    def __init__(self, channels: int, steps: int) -> None:
        super().__init__()
        self.steps = steps
        self.norm = nn.BatchNorm2d(channels)
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.out_norm = nn.BatchNorm2d(channels)

    def forward(self, h: Tensor) -> Tensor:
        v = self.conv(F.relu(self.norm(h)))
        h = {run}(h, h, v, v, 1.0, 1.0, steps=self.steps, dt=0.2)
        return F.relu(self.out_norm(h))
'''
