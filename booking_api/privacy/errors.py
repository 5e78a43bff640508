"""Why a person is not erased now."""

from collections.abc import Mapping

from booking_api.errors import ApiError


class StillActive(ApiError):
    """Something of the account is still going on; the facts name it."""

    code = "still_active"
    status = 409
    sentence = (
        "End what is named here first: cancel bookings, withdraw promises, have roles taken away. "
        "What rules still count must wait until it counts no more."
    )

    def __init__(self, standing: Mapping[str, list[str]]) -> None:
        super().__init__()
        self.facts = dict(standing)
