"""Why nothing was kept or brought back. Imports nothing of ours."""


class KeepingError(Exception):
    """A backup or a restore cannot be done; the text is one sentence, and nothing was changed."""


class ArchiveBroken(KeepingError):
    """The file is not, byte for byte, what a backup wrote."""
