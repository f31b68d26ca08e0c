"""Questions: a graph in, data out. Nothing is imported here, so that one question does not load the others."""
