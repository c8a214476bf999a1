"""What training a supernet needs: one network that holds all of a space's, with weights for its choices."""
