"""A body is read whole or refused, however the server hands it over; an answer carries what it must and no more."""

import pytest
from litestar.exceptions import ClientException
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.testing import RequestFactory

from booking_api.request import BODY_LIMIT_BYTES, Answer, LeanRequest


def asked(*parts: bytes, headers=(), cut: bool = False) -> LeanRequest:
    events = [
        {"type": "http.request", "body": part, "more_body": cut or n < len(parts) - 1}
        for n, part in enumerate(parts)
    ]
    if cut:
        events.append({"type": "http.disconnect"})
    scope = RequestFactory().get("/").scope
    scope["headers"] = list(headers)

    async def receive():
        return events.pop(0)

    return LeanRequest(scope, receive=receive)


async def test_a_body_in_parts_is_read_whole_and_only_once():
    request = asked(b'{"pool"', b": ", b"1}")
    assert await request.body() == b'{"pool": 1}'
    assert await request.body() == b'{"pool": 1}'
    assert await LeanRequest(request.scope).body() == b'{"pool": 1}'


async def test_a_body_of_just_the_limit_passes_and_one_byte_more_does_not():
    whole = await asked(b"x" * (BODY_LIMIT_BYTES - 1), b"x").body()
    assert len(whole) == BODY_LIMIT_BYTES
    with pytest.raises(RequestEntityTooLarge):
        await asked(b"x" * BODY_LIMIT_BYTES, b"x").body()


async def test_a_body_announced_too_long_is_refused_before_it_is_read():
    with pytest.raises(RequestEntityTooLarge):
        await asked(headers=[(b"content-length", b"%d" % (BODY_LIMIT_BYTES + 1))]).body()


async def test_a_client_that_goes_away_in_the_middle_is_no_failure_of_ours():
    with pytest.raises(ClientException):
        await asked(b"half", cut=True).body()


@pytest.mark.parametrize(("status", "body"), [(200, b'["a"]'), (204, b"")])
async def test_an_answer_has_its_headers_and_its_length_unless_it_has_no_body(status, body):
    sent = []

    async def send(event):
        sent.append(event)

    answer = Answer(["a"], status_code=status, headers={"RateLimit": "r"}).to_asgi_response(None, None)
    await answer({}, None, send)
    start, rest = sent
    assert start["status"] == status
    length = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))] if body else []
    assert start["headers"] == [(b"ratelimit", b"r"), *length]
    assert rest["body"] == body
