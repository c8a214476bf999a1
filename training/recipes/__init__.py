"""How networks are trained: hyper-parameters, named recipes, optimisers."""
