"""What NNI's own strategies lack of cells. Importing its modules imports NNI."""
