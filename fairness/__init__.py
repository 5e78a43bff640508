"""What anyone can recompute. Pure: no clock, network, environment or global randomness.

`commitment` binds a log entry to a person without naming them.
"""

from fairness.commitment import commit

__all__ = ["commit"]
