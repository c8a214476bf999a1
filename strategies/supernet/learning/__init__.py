"""How a supernet's weights and architecture weights learn, step by step, as Lightning modules of NNI's."""
