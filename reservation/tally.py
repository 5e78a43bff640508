"""What one process has done since it started, in plain numbers. Imports nothing.

Counted on the way, by one event loop, so counting is an addition and no more. These are for watching a system, not its
books: a process that is killed takes its numbers with it, and what a lost COMMIT did is counted by whoever reads it back.
"""


class Tally:
    """The numbers of one kernel; each only grows."""

    __slots__ = (
        "abandoned",
        "batch_orders",
        "batches",
        "booked",
        "cancelled",
        "expired",
        "held",
        "moved",
        "promised",
        "promises_ended",
        "rebuilt",
        "released",
        "replayed",
        "substituted",
        "sweeps",
        "sweeps_failed",
    )

    def __init__(self) -> None:
        self.held = 0
        """Holds given, repetitions left out."""
        self.released = 0
        """Holds that their owner gave back."""
        self.expired = 0
        """Holds whose time ended unused; seen when somebody next wants the unit."""
        self.booked = 0
        """Holds and promises confirmed."""
        self.abandoned = 0
        """Marked claims that the sweeper gave up on."""
        self.cancelled = 0
        self.moved = 0
        self.substituted = 0
        self.promised = 0
        self.promises_ended = 0
        """Promises withdrawn or expired."""
        self.batches = 0
        """Group commits, and below how many orders they had."""
        self.batch_orders = 0
        self.rebuilt = 0
        """Pools whose view in Valkey was made anew."""
        self.replayed = 0
        """Effects told to Valkey late."""
        self.sweeps = 0
        self.sweeps_failed = 0
