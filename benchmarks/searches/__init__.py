"""What a search costs: a trial besides its training, an epoch of a supernet."""
