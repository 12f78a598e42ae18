"""csky's `llh`."""
