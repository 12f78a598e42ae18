"""csky's `ipyconfig`: what its notebooks import first; there is nothing to set up."""
