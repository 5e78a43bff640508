"""The core's schema versions (Alembic). Services keep theirs on branches of their own."""
