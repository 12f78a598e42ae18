"""csky's `ipyconfig`: what its notebooks import first; there is nothing to set up."""

__all__: list[str] = []
