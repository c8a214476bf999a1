"""Questions to many candidates: what matters, how sure a front is, whether global layers pay."""
