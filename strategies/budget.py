"""What an architecture may cost, as far as that is known without running it."""

from __future__ import annotations

from dataclasses import dataclass

from pde_ops.cost import Cost
from records.errors import UserError


@dataclass(frozen=True)
class Budget:
    """The most MACs (of one image) and the most parameters; None is no limit.

    Examples:
        >>> budget = Budget(max_macs=1_000, max_params=None)
        >>> budget.excess(Cost(params=5, macs=1_500, macs_published=1_500))
        1.5
    """

    max_macs: int | None = None
    max_params: int | None = None

    @property
    def unlimited(self) -> bool:
        """Whether everything is within it."""
        return not self._limits()

    def excess(self, cost: Cost) -> float:
        """The largest share of a limit that ``cost`` takes; above 1 it is outside."""
        shares = [getattr(cost, name) / limit for name, _, limit in self._limits()]
        return max(shares, default=0.0)

    def allows(self, cost: Cost) -> bool:
        """Whether ``cost`` is within every limit."""
        return self.excess(cost) <= 1

    def error(self, space: str, nearest: Cost) -> UserError:
        """What is said where no architecture of ``space`` is within; ``nearest`` is what the smallest found costs."""
        limits = self._limits()
        most = " and ".join(f"{limit:,} {unit}" for _, unit, limit in limits)
        units = [f" {unit}" if len(limits) > 1 else "" for _, unit, _ in limits]
        has = " and ".join(
            f"{getattr(nearest, name):,}{unit}" for (name, _, _), unit in zip(limits, units, strict=True)
        )
        names = " or ".join(f"--max-{name}" for name, _, _ in limits)
        return UserError(
            f"no architecture of {space} with at most {most} was found; the smallest has {has}: raise {names}, "
            "or lower --width, --cells or what --setting offers"
        )

    def _limits(self) -> list[tuple[str, str, int]]:
        """What is limited: its name, its unit, its limit."""
        both = (("macs", "MACs", self.max_macs), ("params", "params", self.max_params))
        return [(name, unit, limit) for name, unit, limit in both if limit is not None]


UNLIMITED = Budget()
