"""What this room refuses."""

from booking_api.errors import ApiError


class NothingDue(ApiError):
    """The authority asks no fee for this subject."""

    code = "nothing_due"
    status = 409
    sentence = "Nothing is due for this subject."


class UnknownPayment(ApiError):
    """No fee has this id."""

    code = "unknown_payment"
    status = 404
    sentence = "There is no payment with this id."


class AlreadySettled(ApiError):
    """The fee has been paid, and no sitting has used it yet."""

    code = "already_settled"
    status = 409
    sentence = "This fee has been paid already and is good for the next sitting. Nothing was changed."


class FeeNeeded(ApiError):
    """The fee covers a booking that still stands."""

    code = "fee_needed"
    status = 409
    sentence = "This fee covers a booking of yours. Cancel the booking first."


class NothingToRefund(ApiError):
    """The payment is not one that a counter has to pay back."""

    code = "nothing_to_refund"
    status = 409
    sentence = "This payment was not made at a counter, or is not to be paid back. Nothing was changed."


class PaymentMismatch(ApiError):
    """Another amount or currency than what is due."""

    code = "payment_mismatch"
    status = 409
    sentence = "The amount or currency is not what is due. Nothing was changed."


class PaymentUnavailable(ApiError):
    """The payment provider does not answer, or not in a way we understand."""

    code = "payment_unavailable"
    status = 503
    sentence = "The payment service does not answer. Repeating the request is safe; you will not pay twice."

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "5"})


class SignatureInvalid(ApiError):
    """A message that was to be signed is not, or not by whom it should be, or is too old."""

    code = "signature_invalid"
    status = 401
    sentence = "The request's signature is missing, wrong or too old."
