"""The one error of the embedded backends: a code per failure, a reason and a remedy. Imports nothing of ours."""

from typing import Literal

EmbeddedErrorCode = Literal[
    "unsupported_platform",
    "binary_missing",
    "binary_unreachable",
    "folder_in_use",
    "folder_not_ours",
    "folder_unusable",
    "socket_folder_unsafe",
    "cluster_version",
    "bad_setting",
    "init_failed",
    "spawn_failed",
    "not_started",
    "server_died",
    "not_ready",
    "will_not_die",
    "restarts_exhausted",
]


class EmbeddedError(Exception):
    """An embedded backend cannot be used; `code` names why, the text says what to do about it."""

    def __init__(self, code: EmbeddedErrorCode, *, reason: str, remedy: str) -> None:
        """Keep the code for callers and put reason and remedy into the text people read."""
        super().__init__(f"{reason}\n  {remedy}")
        self.code: EmbeddedErrorCode = code
        self.reason = reason
        self.remedy = remedy
