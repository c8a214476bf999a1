"""The global layer's equation as a short function, without what a network has no use for."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

from training.export.standalone.code import signature
from training.export.standalone.writer import Writer


@dataclass(frozen=True)
class Equation:
    """Which terms there are: ``advection`` (velocities that are fields), ``diffusion``, a ``source``; whether the state
    one step back is the ``source``, the ``state`` itself, or ``given``; whether the map has ``walls`` or wraps around;
    whether neighbours lie further than one cell away, ``spaced``."""

    advection: bool
    diffusion: bool
    source: bool = True
    before: str = "source"
    walls: bool = False
    spaced: bool = False

    @property
    def title(self) -> str:
        names = {(True, True): "advect_and_diffuse", (True, False): "advect", (False, True): "diffuse"}
        return names.get((self.advection, self.diffusion), "add_source")

    @property
    def formula(self) -> str:
        terms = ["div(D grad H)"] * self.diffusion + ["div(v H)"] * self.advection + ["f"] * self.source
        return " + ".join(terms) or "0"


def equation(writer: Writer, wanted: Equation) -> str:
    """The name of the function for that equation; its parameters are those of `parameters`."""
    return writer.generated(wanted, wanted.title, lambda name: _function(writer, name, wanted))


def parameters(wanted: Equation) -> list[str]:
    """What the function takes, with its types."""
    found = ["h: Tensor"]
    found += ["f: Tensor"] if wanted.source else []
    found += ["before: Tensor"] if wanted.before == "given" else []
    found += ["u: Tensor", "v: Tensor"] if wanted.advection else []
    if wanted.diffusion:
        found += ["d_x: Tensor | float", "d_y: Tensor | float"]
    found += ["*", "steps: int", "dt: float"]
    return found + (["dx: int", "dy: int"] if wanted.spaced else [])


def _function(writer: Writer, name: str, wanted: Equation) -> str:
    below, above = (_neighbour(writer, wanted, side) for side in ("below", "above"))
    x, y = ("2, dx", "3, dy") if wanted.spaced else ("2", "3")
    walls = ", ghost=-1.0" if wanted.walls else ""
    before, loop = [], []
    if wanted.advection:
        before += ["ax, ay = dt / dx * u, dt / dy * v" if wanted.spaced else "ax, ay = dt * u, dt * v"]
        before += [
            f"outflow = {above}(ax, {x}{walls}) - {below}(ax, {x}{walls})",
            f"outflow = outflow + {above}(ay, {y}{walls}) - {below}(ay, {y}{walls})",
        ]
    if wanted.diffusion:
        if wanted.spaced:
            before += ["bx, by = 2 * dt / dx**2 * d_x, 2 * dt / dy**2 * d_y"]
        else:
            before += ["bx, by = 2 * dt * d_x, 2 * dt * d_y"]
    if wanted.before != "given":
        before += [f"before = {'f' if wanted.before == 'source' else 'h'}  # the state one step back"]
    first = ["(1 - bx - by) * before" if wanted.diffusion else "before"]
    first += ["outflow * h"] * wanted.advection + ["2 * dt * f"] * wanted.source
    loop += [f"after = {' + '.join(first)}"]
    for axis, at in (("x", x), ("y", y)):
        lower, upper = f"{below}(h, {at})", f"{above}(h, {at})"
        if wanted.advection and wanted.diffusion:
            loop += [f"after = after + (b{axis} - a{axis}) * {lower} + (b{axis} + a{axis}) * {upper}"]
        elif wanted.advection:
            loop += [f"after = after + a{axis} * ({upper} - {lower})"]
        elif wanted.diffusion:
            loop += [f"after = after + b{axis} * ({lower} + {upper})"]
    loop += [f"before, h = h, after{' / (1 + bx + by)' * wanted.diffusion}"]
    lines = [
        signature(name, parameters(wanted), "Tensor"),
        f'    """``steps`` steps of dH/dt = {wanted.formula} from the state ``h``.',
        "",
        *textwrap.wrap(_words(wanted), 88, initial_indent="    ", subsequent_indent="    "),
        '    """',
        *(f"    {line}" for line in before),
        "    for _ in range(steps):",
        *(f"        {line}" for line in loop),
        "    return h",
    ]
    return "\n".join(lines) + "\n"


def _words(wanted: Equation) -> str:
    """How the equation is solved, and what the parameters are."""
    how = ["leapfrog in time"] if wanted.advection or wanted.source else []
    how += ["Du Fort-Frankel for diffusion"] if wanted.diffusion else []
    edge = "nothing passes the walls" if wanted.walls else "the map wraps around"
    given = ["u and v are the velocities"] if wanted.advection else []
    given += ["d_x and d_y the diffusivities"] if wanted.diffusion else []
    along = f" {', '.join(given)}, along rows (dimension 2) and columns (3)." if given else ""
    return f"Explicit, {', '.join(how)}; {edge}.{along} See Kag and Saligrama, CVPR 2022."


def _neighbour(writer: Writer, wanted: Equation, side: str) -> str:
    key = (side, wanted.walls, wanted.spaced)
    return writer.generated(key, side, lambda name: _neighbour_function(name, *key))


def _neighbour_function(name: str, side: str, walls: bool, spaced: bool) -> str:
    lower = side == "below"
    given = ["field: Tensor", "dim: int"] + ["step: int"] * spaced + ["ghost: float = 1.0"] * walls
    count = "step cells" if spaced else "one cell"
    where = f"{count} towards {'lower' if lower else 'higher'} indices"
    lines = [signature(name, given, "Tensor")]
    if not walls:
        distance = ("" if lower else "-") + ("step" if spaced else "1")
        lines += [
            f'    """For each cell the value {where}."""',
            f"    return torch.roll(field, {distance}, dim)",
        ]
        return "\n".join(lines) + "\n"
    lines += [
        f'    """For each cell the value {where}.',
        "",
        "    Beyond the wall lies the cell's own value times ``ghost``.",
        '    """',
        "    size = field.shape[dim]",
    ]
    step = "1"
    if spaced:
        lines += ["    step = min(step, size)"]
        step = "step"
    kept, wall = ("0", "0") if lower else (step, f"size - {step}")
    parts = ["wall", "inner"] if lower else ["inner", "wall"]
    lines += [
        f"    inner = field.narrow(dim, {kept}, size - {step})",
        f"    wall = field.narrow(dim, {wall}, {step}) * ghost",
        f"    return torch.cat(({', '.join(parts)}), dim)",
    ]
    return "\n".join(lines) + "\n"
