"""A page's form that signs somebody in to the demo, and a browser that sends it."""

from litestar import Response, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from booking_api.demo.sign_in import begin_demo_session
from booking_api.desk import Desk
from booking_api.request import Answer, AnyRequest


@post("/enter/{account:str}", status_code=200)
async def post_form(
    request: AnyRequest, account: FromPath[str], desk: NamedDependency[Desk]
) -> Response[dict[str, str]]:
    """What a page's form does."""
    begun = await begin_demo_session(desk, request, account=account)
    return Answer({"csrf": begun.csrf, "account": begun.person.id}, status_code=200, headers=begun.headers)


async def enter(client, account, **headers):
    """(the headers of a page that has signed in, the answer)."""
    answer = await client.post(f"/enter/{account}", headers=headers)
    if answer.status_code != 200:
        return {}, answer
    client.cookies.clear()
    told = answer.headers["set-cookie"].partition(";")[0]
    return {"Cookie": told, "X-CSRF-Token": answer.json()["csrf"]}, answer
