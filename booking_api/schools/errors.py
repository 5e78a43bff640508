"""What this room refuses. Imports the application's errors."""

from booking_api.errors import ApiError


class UnknownConsent(ApiError):
    """The account has given no such consent."""

    code = "unknown_consent"
    status = 404
    sentence = "You have given no consent with this id."


class UnknownConsentRequest(ApiError):
    """Nobody has asked this account for such a consent."""

    code = "unknown_consent_request"
    status = 404
    sentence = "There is no request for your consent with this id."


class NoConsent(ApiError):
    """The learner does not let this school book this; or there is no such learner: it is not said which."""

    code = "no_consent"
    status = 403
    sentence = "No verified learner by this number or id lets your school book this now."


class LearnerTwice(ApiError):
    """A batch has one row per learner."""

    code = "learner_twice"
    status = 409
    sentence = "This learner has another row in the batch; `row` is its number."


class SchoolElsewhere(ApiError):
    """The session is of an authority that the school does not belong to."""

    code = "school_elsewhere"
    status = 403
    sentence = "This session is not of the authority your school belongs to."


class BatchesOff(ApiError):
    """The authority does not let schools book for learners."""

    code = "batches_off"
    status = 403
    sentence = "The authority of this session does not let schools book for their learners."


class SubstitutionsOff(ApiError):
    """The authority does not let schools substitute learners."""

    code = "substitutions_off"
    status = 403
    sentence = "The authority of this session does not let schools put one learner in another's place."


class NotPlanned(ApiError):
    """The unit is no published session of a driving test."""

    code = "not_planned"
    status = 404
    sentence = "This unit is no published session of a driving test."


class SchoolShareReached(ApiError):
    """The school has its share of the session."""

    code = "school_share_reached"
    status = 409
    sentence = "Your school has `limit` places of this session, as many as one school may."


class BatchTooLong(ApiError):
    """Rows that are to be booked all or none must be held within a bounded time."""

    code = "batch_too_long"
    status = 409
    sentence = (
        "At your authority's pace at most `limit` rows can be held together. Send fewer, or `best_effort`."
    )


class UnknownBatch(ApiError):
    """The school has no such batch."""

    code = "unknown_batch"
    status = 404
    sentence = "Your school has no batch with this id."


class BatchOver(ApiError):
    """The batch has ended, or its rows are being booked already."""

    code = "batch_over"
    status = 409
    sentence = "This batch cannot be cancelled any more: `state` is what it is now."


class TooManyBatches(ApiError):
    """A school has a limit of batches that wait."""

    code = "too_many_batches"
    status = 409
    sentence = "Your school has `limit` batches that are not done yet. Wait for one to end, or cancel one."


class UnknownLearner(ApiError):
    """The school has no such consent or request."""

    code = "unknown_learner"
    status = 404
    sentence = "Your school has no such learner or request."
