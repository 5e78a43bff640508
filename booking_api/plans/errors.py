"""What this room refuses. Imports the application's errors."""

from booking_api.errors import ApiError


class NotYourAuthority(ApiError):
    """The operator's role is for another authority."""

    code = "not_your_authority"
    status = 403
    sentence = "Your role is not for this authority."


class UnknownPlan(ApiError):
    """There is no such plan, or it is another authority's draft."""

    code = "unknown_plan"
    status = 404
    sentence = "There is no plan with this id."


class UnknownSession(ApiError):
    """The plan has no such session."""

    code = "unknown_session"
    status = 404
    sentence = "The plan has no session with this id."


class PlanPublished(ApiError):
    """A published plan is not changed."""

    code = "plan_published"
    status = 409
    sentence = "This plan is published and is not changed any more. Cancel a session with a reason, or publish another plan."


class PlanNotPublished(ApiError):
    """Only what is published can be closed or cancelled."""

    code = "plan_not_published"
    status = 409
    sentence = "This plan is not published. A draft can be changed or deleted."


class TooShortNotice(ApiError):
    """The first session is too near for the plan to be published."""

    code = "too_short_notice"
    status = 409
    sentence = (
        "A plan is published some days before its first session; `first_day` is the first day it may hold."
    )


class PlanEmpty(ApiError):
    """There is nothing to publish."""

    code = "plan_empty"
    status = 409
    sentence = "This plan has no sessions. Add some before publishing it."


class PlanTooLarge(ApiError):
    """A plan has a limit of sessions."""

    code = "plan_too_large"
    status = 409
    sentence = "A plan has at most `limit` sessions. Begin another one."
