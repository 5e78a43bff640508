"""The same person with a browser without scripts: reads pages, presses their buttons, follows where they lead.

Loaded by Locust's processes only. A page's form is sent as it was shown, so that a page which forgets a field fails here.
"""

import re

from loadtest.client import PLAN, Client
from loadtest.connection import Answer, Fetched
from loadtest.forms import PageForm, forms_to, read_page
from loadtest.journal import Action, Line
from loadtest.visitors import cookie_of

_HOLD = re.compile(r"^/hold/([^/?]+)")
_HELD = re.compile(r'"/hold/([^/?"]+)')
_BOOKING = re.compile(r"^/bookings/([^/?]+)")
_SIGN_IN = "/sign-in"
FIND = f"/?pool={PLAN.pool}"
SEE_OTHER = 303


class PageClient(Client):
    """Asks through pages what `Client` asks through the API."""

    abstract = True

    def _arrive(self) -> None:
        super()._arrive()
        cookie = cookie_of(PLAN.secret, self.account)
        self._headers = {"Cookie": f"gongdao_session={cookie}; gongdao_lang=en", "Accept": "text/html"}
        self._shown: dict[int, PageForm] = {}
        self._next: list[PageForm] = []

    def units(self) -> list[dict[str, object]]:
        """The sessions whose Hold button the page shows; which are booked out, it does not tell apart from held."""
        self._shown = {}
        self._read(self._about(Action.LOOK), FIND)
        return [{"id": unit, "free": 1, "booked": 0, "capacity": 1} for unit in self._shown]

    def hold(self, unit: int) -> Answer:
        """Presses a session's button, and reads the page it leads to."""
        form = self._shown.get(unit)
        if form is None:
            return Answer(409, "full", {}, 0.0)
        answer = self._send(self._about(Action.HOLD, unit=unit), form, leads_to=_HOLD)
        return self._onwards(answer)

    def confirm(self, hold: str, key: str, *, action: Action = Action.CONFIRM) -> Answer:
        """Presses Confirm on the hold's page; the form brings its own key."""
        form = next(forms_to(self._next, "/confirm"), None)
        if form is None:
            self._read(self._about(Action.LOOK), f"/hold/{hold}")
            form = next(forms_to(self._next, "/confirm"), None)
        if form is None:
            return Answer(409, "hold_lost", {}, 0.0)
        unit = int(form.fields.get("held", 0))
        about = self._about(action, hold=hold, unit=unit, key=form.fields.get("key", key))
        answer = self._send(about, form, leads_to=_BOOKING)
        return self._onwards(answer)

    def release(self, hold: str, *, action: Action = Action.RELEASE) -> Answer:
        """Presses Release on the hold's page."""
        form = next(forms_to(self._next, "/release"), None)
        if form is None:
            return Answer(409, "hold_lost", {}, 0.0)
        return self._send(self._about(action, hold=hold), form, leads_to=re.compile("^/"))

    def _onwards(self, answer: Answer) -> Answer:
        """Follows a success to its page, as a browser does at once."""
        if answer.succeeded:
            self._read(self._about(Action.LOOK), str(answer.body["at"]))
        return answer

    def _read(self, about: Line, path: str) -> None:
        self._noted(about, "GET", lambda: self._page("GET", path, b""))

    def _send(self, about: Line, form: PageForm, *, leads_to: re.Pattern[str]) -> Answer:
        return self._noted(about, "POST", lambda: self._page("POST", form.action, form.body(), leads_to))

    def _page(self, method: str, path: str, body: bytes, leads_to: re.Pattern[str] | None = None) -> Answer:
        headers = dict(self._headers)
        if method == "POST":
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        fetched = self._connection.fetch(method, path, body=body, headers=headers)
        if isinstance(fetched, Answer):
            return fetched
        if fetched.status == SEE_OTHER:
            return _led(fetched, leads_to)
        html = fetched.content.decode(errors="replace")
        forms, code = read_page(html)
        if fetched.status == 200 and method == "GET":
            self._next = forms
            self._shown = _sessions(forms) or self._shown
            return Answer(200, "", {}, 0.0)
        named = {"hold": held[1]} if code == "another_hold" and (held := _HELD.search(html)) else {}
        return Answer(fetched.status, code or f"http_{fetched.status}", named, fetched.retry_after_s)


def _sessions(forms: list[PageForm]) -> dict[int, PageForm]:
    """What each of the page's Hold buttons sends, by session."""
    return {
        int(value): form.pressed(name, value)
        for form in forms_to(forms, "/hold")
        for name, value in form.buttons
        if name == "unit"
    }


def _led(fetched: Fetched, leads_to: re.Pattern[str] | None) -> Answer:
    """Where a form led: to what it made, or to the sign-in."""
    made = leads_to.match(fetched.location) if leads_to else None
    if made is None:
        code = "signed_out" if fetched.location.startswith(_SIGN_IN) else "led_elsewhere"
        return Answer(fetched.status, code, {}, 0.0)
    named = {"id": made[1]} if made.groups() else {}
    return Answer(201, "", {"at": fetched.location.partition("?")[0], **named}, 0.0)
