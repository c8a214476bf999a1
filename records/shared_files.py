"""What `supernet-pareto` keeps in the run folder before its first candidate."""

EPOCHS = "supernet.jsonl"  # a line an epoch of its supernet
JUDGED = "judged.jsonl"  # a line a network that was judged on the shared weights
CHOSEN = "chosen.json"  # the networks to train, each with its role
FRONT, RANDOM = "front", "random"  # the roles
