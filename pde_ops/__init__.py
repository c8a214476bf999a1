"""The global layer: a partial differential equation solved across the whole feature map.

`integrate` is the integrator, `GlobalLayer` the layer around it, `from_published` the way from the authors'
parameters. Nothing here knows of search spaces or training.

Names are loaded when they are first used: a process that only counts costs does not wait for torch.
"""

from typing import TYPE_CHECKING

from records.lazy import loader

if TYPE_CHECKING:
    from pde_ops.blocks import BasicBlock, Bottleneck, DenseInit
    from pde_ops.coefficients import ACTIVATIONS, TRANSFORMS
    from pde_ops.cost import Cost, conv_cost, linear_cost, norm_cost, pde_cost
    from pde_ops.integrator import integrate
    from pde_ops.layer import GlobalLayer
    from pde_ops.published import from_published
    from pde_ops.whole_map.heat import HeatLayer, heat_flow
    from pde_ops.whole_map.implicit_layer import ImplicitLayer
    from pde_ops.whole_map.operator import implicit_step

_PLACES = {
    "ACTIVATIONS": "pde_ops.coefficients",
    "TRANSFORMS": "pde_ops.coefficients",
    "BasicBlock": "pde_ops.blocks",
    "Bottleneck": "pde_ops.blocks",
    "Cost": "pde_ops.cost",
    "DenseInit": "pde_ops.blocks",
    "GlobalLayer": "pde_ops.layer",
    "HeatLayer": "pde_ops.whole_map.heat",
    "ImplicitLayer": "pde_ops.whole_map.implicit_layer",
    "conv_cost": "pde_ops.cost",
    "from_published": "pde_ops.published",
    "heat_flow": "pde_ops.whole_map.heat",
    "implicit_step": "pde_ops.whole_map.operator",
    "integrate": "pde_ops.integrator",
    "linear_cost": "pde_ops.cost",
    "norm_cost": "pde_ops.cost",
    "pde_cost": "pde_ops.cost",
}
__all__ = list(_PLACES)
__getattr__ = loader(__name__, _PLACES)
