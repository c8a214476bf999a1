"""Networks that the global layer is compared with: continuous depth, deep equilibria, and timm's."""
