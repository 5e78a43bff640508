"""What stops a step of a ceremony."""


class CeremonyUnusable(Exception):
    """A file, key or server that cannot be used; the message says which and what would be right."""


class CeremonyRefused(Exception):
    """Something that was checked is false; the message says what."""
