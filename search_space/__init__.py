"""What can be explored: primitives, cells, families, genotypes. Importing it imports no NNI."""

from pde_ops.cost import Cost
from search_space.errors import UserError
from search_space.genotype import Genotype, GenotypeError
from search_space.measurement import Measurement
from search_space.primitives import Primitive, get_primitive, primitive_names, register_primitive
from search_space.published import published, published_names
from search_space.space import Decision, Space, get_space, mutate, register_space, sample, space_names

__all__ = [
    "Cost",
    "Decision",
    "Genotype",
    "GenotypeError",
    "Measurement",
    "Primitive",
    "Space",
    "UserError",
    "get_primitive",
    "get_space",
    "mutate",
    "primitive_names",
    "published",
    "published_names",
    "register_primitive",
    "register_space",
    "sample",
    "space_names",
]
