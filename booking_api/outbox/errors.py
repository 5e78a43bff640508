"""What this room refuses."""

from booking_api.errors import ApiError


class UnknownNotice(ApiError):
    """The account has no such notice."""

    code = "unknown_notice"
    status = 404
    sentence = "You have no notice with this id."


class UnknownWebhook(ApiError):
    """None of the asker's organisations has such a webhook."""

    code = "unknown_webhook"
    status = 404
    sentence = "Your organisation has no webhook with this id."


class TooManyWebhooks(ApiError):
    """The organisation has as many as it may have."""

    code = "too_many_webhooks"
    status = 409
    sentence = "The organisation has as many webhooks as it may have. Delete one first."


class WebhookOff(ApiError):
    """Nothing is sent to a webhook that was switched off."""

    code = "webhook_off"
    status = 409
    sentence = "This webhook was switched off. Delete it and register it again when its receiver works."
