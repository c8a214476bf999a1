"""Layers from the options and parameters of the published code (anilkagak2/PDE_GlobalLayer)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

from pde_ops.blocks import BasicBlock, Bottleneck, DenseInit
from pde_ops.layer import GlobalLayer

_DEFAULTS: dict[str, Any] = {
    "K": 3, "dt": 0.2, "dx": 1, "dy": 1, "cDx": 1.0, "cDy": 1.0, "constant_Dxy": False,
    "custom_uv": "", "custom_dxy": "", "cell_type": "default", "use_diff_eps": True, "old_style": False,
    "use_res": False, "use_silu": False, "no_f": False, "init_h0_h": False, "separable": False,
    "use_f_for_g": False, "use_dot": False, "nonlinear_pde": True,
}  # fmt: skip

_TRANSFORMS = {
    "": "depthwise",
    "BasicBlock": "basic-block",
    "Bottleneck": "bottleneck",
    "DwConv": "depthwise-bias",
    "PwConv": "pointwise",
    "FullConv": "full",
    "identity": "identity",
}

_INITS: dict[str, Callable[[int, bool], nn.Module | None]] = {
    "default": lambda channels, separable: None,
    "BasicBlock": lambda channels, separable: BasicBlock(channels, separable=separable),
    "Bottleneck": lambda channels, separable: Bottleneck(channels),
    "BasicDense": lambda channels, separable: DenseInit(channels),
}

# published name -> name here; the first match at the start of a parameter's name
_NAMES = {
    "convg1.": "velocity_y.transform.",
    "convg.": "velocity_x.transform.",
    "bng1.": "velocity_y.norm.",
    "bng.": "velocity_x.norm.",
    "convDx.": "diffusivity_x.transform.",
    "convDy.": "diffusivity_y.transform.",
    "bnDx.": "diffusivity_x.norm.",
    "bnDy.": "diffusivity_y.norm.",
    "bn_out.": "out_norm.",
    "init_h.": "init.",
}


def published_name(name: str) -> str:
    """The name in `GlobalLayer` of the parameter or buffer published as ``name``.

    Raises:
        ValueError: the published layer has no such parameter.
    """
    for theirs, ours in _NAMES.items():
        if name.startswith(theirs):
            return ours + name[len(theirs) :]
    raise ValueError(f"parameter {name!r} is unknown; accepted: names that begin with {', '.join(_NAMES)}")


def from_published(options: Mapping[str, Any], state: Mapping[str, Tensor]) -> GlobalLayer:
    """A layer that behaves as the published one with these options and parameters, in train and eval mode.

    Args:
        options: by their published names (K, dt, custom_uv, use_diff_eps, ...); absent ones have the
            published default (K: 3).
        state: the published layer's state dictionary; channels, kernel size, type and device are read
            from it.

    Raises:
        ValueError: an unknown option or value, or a parameter that is missing, superfluous or misshapen.
    """
    for name in options:
        if name not in _DEFAULTS:
            raise ValueError(f"published option {name!r} is unknown; accepted: {', '.join(_DEFAULTS)}")
    given = {**_DEFAULTS, **options}
    for name, table in (("custom_uv", _TRANSFORMS), ("custom_dxy", _TRANSFORMS), ("cell_type", _INITS)):
        if given[name] not in table:
            raise ValueError(f"{name} is {given[name]!r}; accepted: {', '.join(map(repr, table))}")
    if not given["nonlinear_pde"]:
        raise ValueError("nonlinear_pde is False; accepted: True")
    if "bn_out.weight" not in state:
        raise ValueError("parameter 'bn_out.weight' is missing; the channel count is read from it")
    out = state["bn_out.weight"]
    channels = out.shape[0]
    layer = GlobalLayer(
        channels,
        steps=given["K"],
        dt=given["dt"],
        dx=given["dx"],
        dy=given["dy"],
        velocity=_transform(given, "custom_uv"),
        diffusivity=_diffusivity(given),
        kernel_size=_kernel_size(state),
        bias=given["old_style"],
        init=_INITS[given["cell_type"]](channels, given["separable"]),
        previous="state" if given["init_h0_h"] else "source",
        velocity_input="source" if given["use_f_for_g"] else "state",
        product=given["use_dot"],
        use_source=not given["no_f"],
        residual=given["use_res"],
        activation="silu" if given["use_silu"] else "relu",
        coefficient_start=1.0,
        coefficient_eps=float(channels) if given["use_diff_eps"] else 1e-5,
    ).to(dtype=out.dtype, device=out.device)
    ours = {published_name(name): value for name, value in state.items()}
    wanted = layer.state_dict()
    for name, value in wanted.items():
        if name not in ours:
            raise ValueError(f"the published state has nothing for {name!r}; these options need it")
        if ours[name].shape != value.shape:
            raise ValueError(f"{name} is {tuple(ours[name].shape)}; accepted: {tuple(value.shape)}")
    for name in ours:
        if name not in wanted:
            raise ValueError(f"the published state has {name!r}; these options have no such parameter")
    layer.load_state_dict(ours)
    return layer


def _transform(given: Mapping[str, Any], option: str) -> str:
    kind = _TRANSFORMS[given[option]]
    return "separable-block" if kind == "basic-block" and given["separable"] else kind


def _diffusivity(given: Mapping[str, Any]) -> str | tuple[float, float]:
    if given["constant_Dxy"]:
        return given["cDx"], given["cDy"]
    return _transform(given, "custom_dxy")


def _kernel_size(state: Mapping[str, Tensor]) -> int:
    """The largest kernel of the single-convolution transforms; 3 where there is none."""
    names = ("convg.weight", "convDx.weight")
    return max((state[name].shape[-1] for name in names if name in state), default=3)
