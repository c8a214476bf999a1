"""The global layer: a partial differential equation solved across the whole feature map.

`integrate` is the integrator, `GlobalLayer` the layer around it, `from_published` the way from the authors'
parameters. Nothing here knows of search spaces or training.
"""

from pde_ops.blocks import BasicBlock, Bottleneck, DenseInit
from pde_ops.coefficients import ACTIVATIONS, TRANSFORMS
from pde_ops.cost import Cost, conv_cost, linear_cost, norm_cost, pde_cost
from pde_ops.integrate import integrate
from pde_ops.layer import GlobalLayer
from pde_ops.published import from_published
from pde_ops.whole_map.heat import HeatLayer, heat_flow
from pde_ops.whole_map.implicit_layer import ImplicitLayer
from pde_ops.whole_map.operator import implicit_step

__all__ = [
    "ACTIVATIONS",
    "TRANSFORMS",
    "BasicBlock",
    "Bottleneck",
    "Cost",
    "DenseInit",
    "GlobalLayer",
    "HeatLayer",
    "ImplicitLayer",
    "conv_cost",
    "from_published",
    "heat_flow",
    "implicit_step",
    "integrate",
    "linear_cost",
    "norm_cost",
    "pde_cost",
]
