"""What the sessions' room refuses."""

from booking_api.errors import ApiError


class SessionEnded(ApiError):
    """The cookie's session is over or was never ours."""

    code = "session_ended"
    status = 401
    sentence = "Your session is over. Sign in again."


class SessionMissing(ApiError):
    """The request came without a session's cookie."""

    code = "session_missing"
    status = 404
    sentence = "This request is not part of a session: it came without the cookie, or with an access token."


class JsonNeeded(ApiError):
    """A sign-in came in another form than JSON."""

    code = "unsupported_media_type"
    status = 415
    sentence = "Send the body as application/json."


class CsrfRefused(ApiError):
    """Another site may have caused this request."""

    code = "csrf_refused"
    status = 403
    sentence = (
        "This request does not come from our own pages: send the session's token in the header `X-CSRF-Token`, "
        "from the address in `expected`."
    )
