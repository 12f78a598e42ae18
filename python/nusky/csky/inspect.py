"""csky's `inspect`."""
