"""A browser that signs somebody in to the demo by the page's own form."""

from tests.booking_api.signing_in.people import NAME, good


async def enter(client, account, **headers):
    """(what requests of the session that began carry, the form's answer)."""
    client.cookies.clear()
    told = {"account": account, "csrf": headers.get("X-CSRF-Token", "")}
    answer = await client.post("/sign-in/demo", data=told, headers=headers, follow_redirects=False)
    client.cookies.clear()
    given = answer.headers.get("set-cookie", "").partition(";")[0]
    if not given.startswith(f"{NAME}="):
        return {}, answer
    session = good(await client.get("/api/v1/session", headers={"Cookie": given}))
    return {"Cookie": given, "X-CSRF-Token": session["csrf_token"]}, answer
