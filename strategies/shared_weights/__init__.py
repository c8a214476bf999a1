"""One supernet of which every network is a part: how it is trained, and how its networks are judged."""
