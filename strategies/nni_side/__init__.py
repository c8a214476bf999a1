"""What strategies of NNI's, and its algorithms, know of a search: the decisions as a space, an engine that is asked."""
