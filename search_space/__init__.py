"""What can be explored: primitives, cells, families, genotypes. Importing it imports no NNI."""

from pde_ops.cost import Cost
from search_space.errors import UserError
from search_space.genotype import Genotype, GenotypeError
from search_space.measurement import Measurement
from search_space.space import Decision, Space, get_space, mutate, register_space, sample, space_names

__all__ = [
    "Cost",
    "Decision",
    "Genotype",
    "GenotypeError",
    "Measurement",
    "Space",
    "UserError",
    "get_space",
    "mutate",
    "register_space",
    "sample",
    "space_names",
]
