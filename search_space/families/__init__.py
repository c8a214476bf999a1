"""Families of published networks as spaces: where their global layers go, how wide and deep they are.

Each module registers its spaces when it is imported; ``get_space`` imports it by this table.
"""

MODULES = {
    "resnet-global": "search_space.families.resnet",
    "wide-resnet-global": "search_space.families.resnet",
    "densenet-global": "search_space.families.densenet",
    "darts-network-global": "search_space.families.darts_network",
    "mobilenet-v2-global": "search_space.families.mobile",
    "mobilenet-v3-global": "search_space.families.mobile",
    "efficientnet-b0-global": "search_space.families.mobile",
    "mnist-global": "search_space.families.mnist",
    "ode-baseline": "search_space.baselines.space",
    "timm-network": "search_space.baselines.timm_network",
}
