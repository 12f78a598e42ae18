"""csky's `seeding`: seeds of fits, which need none here."""

from nusky.conf import UTFSeeder

__all__ = ["UTFSeeder"]
