"""What can be explored: primitives, cells, families, genotypes. Importing it imports no NNI.

Names are loaded when they are first used: a process that only wants an error or a measurement does not wait
for torch.
"""

from typing import TYPE_CHECKING

from records.lazy import loader

if TYPE_CHECKING:
    from pde_ops.cost import Cost
    from records.errors import UserError
    from records.measurement import Measurement
    from search_space.genotype import Genotype, GenotypeError
    from search_space.paper.networks import published, published_names
    from search_space.primitives.registry import Primitive, get_primitive, primitive_names, register_primitive
    from search_space.problem import Problem
    from search_space.sampling import crossover, mutate, sample
    from search_space.space import Decision, Space, get_space, register_space, space_names

_PLACES = {
    "Cost": "pde_ops.cost",
    "Decision": "search_space.space",
    "Genotype": "search_space.genotype",
    "GenotypeError": "search_space.genotype",
    "Measurement": "records.measurement",
    "Problem": "search_space.problem",
    "Primitive": "search_space.primitives.registry",
    "Space": "search_space.space",
    "UserError": "records.errors",
    "crossover": "search_space.sampling",
    "get_primitive": "search_space.primitives.registry",
    "get_space": "search_space.space",
    "mutate": "search_space.sampling",
    "primitive_names": "search_space.primitives.registry",
    "published": "search_space.paper.networks",
    "published_names": "search_space.paper.networks",
    "register_primitive": "search_space.primitives.registry",
    "register_space": "search_space.space",
    "sample": "search_space.sampling",
    "space_names": "search_space.space",
}
__all__ = list(_PLACES)
__getattr__ = loader(__name__, _PLACES)
