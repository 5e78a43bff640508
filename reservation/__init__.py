"""The hold-and-confirm kernel: scarce units held in Valkey, confirmed in PostgreSQL. May import `fairness`.

Read `hold`, then `confirm`; `commit_batch` is where a booking becomes durable, `rebuild` and `sweep` what mends the
rest. `docs/flow.md` walks one confirm through these files.
"""

from reservation.audit import Finding, audit
from reservation.change import Substituted, cancel, reschedule, substitute
from reservation.confirm import confirm
from reservation.errors import ReservationError
from reservation.hold import free_places, hold, release
from reservation.kernel import Kernel
from reservation.listing import (
    BookingFilter,
    PoolFilter,
    UnitFilter,
    bookings_of,
    find_unit,
    find_units,
    pools_of,
    units_of,
)
from reservation.model import (
    Booking,
    BookingState,
    ClaimantKind,
    Hold,
    NewUnit,
    Pool,
    PresentHold,
    Promise,
    Unit,
    UnitKind,
)
from reservation.pools import add_authority, publish_pool, publish_unit
from reservation.present import current_hold, find_hold, services_given
from reservation.promise import confirm_promise, promise, withdraw
from reservation.pulse import Pulse, read_pulse
from reservation.rebuild import rebuild
from reservation.sweep import prune, sweep, sweep_forever, watch
from reservation.units import add_units, conclude_units, withdraw_unit

__all__ = [
    "Booking",
    "BookingFilter",
    "BookingState",
    "ClaimantKind",
    "Finding",
    "Hold",
    "Kernel",
    "NewUnit",
    "Pool",
    "PoolFilter",
    "PresentHold",
    "Promise",
    "Pulse",
    "ReservationError",
    "Substituted",
    "Unit",
    "UnitFilter",
    "UnitKind",
    "add_authority",
    "add_units",
    "audit",
    "bookings_of",
    "cancel",
    "conclude_units",
    "confirm",
    "confirm_promise",
    "current_hold",
    "find_hold",
    "find_unit",
    "find_units",
    "free_places",
    "hold",
    "pools_of",
    "promise",
    "prune",
    "publish_pool",
    "publish_unit",
    "read_pulse",
    "rebuild",
    "release",
    "reschedule",
    "services_given",
    "substitute",
    "sweep",
    "sweep_forever",
    "units_of",
    "watch",
    "withdraw",
    "withdraw_unit",
]
