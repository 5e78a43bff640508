"""A payment provider of the test's own, over real HTTP: orders, queries, refunds, and signed messages back.

It checks what is sent to it with the standard library alone, and can do what it is asked without being heard.
"""

import hashlib
import hmac
import json
import secrets
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from booking_api import clock

KEY = b"a key of both sides, long enough for it"
CALLBACK = "/api/v1/payments/callback"


def mac(path: str, timestamp: str, nonce: str, body: bytes, *, key: bytes = KEY) -> str:
    signed = b"POST\n" + path.encode() + b"\n" + timestamp.encode() + b"\n" + nonce.encode() + b"\n" + body
    return "v1=" + hmac.new(key, signed, hashlib.sha256).hexdigest()


class Peer:
    """Owns the orders and a server on a loopback port. `unheard`: it does what it is asked and hangs up."""

    def __init__(self) -> None:
        self.orders: dict[str, dict] = {}
        self.asked: list[str] = []
        self.unsigned: list[str] = []
        self.unheard = False
        self.down = False
        self.answer: bytes | None = None
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def pay(self, order: str) -> None:
        assert self.orders[order]["state"] == "unpaid"
        self.orders[order]["state"] = "paid"

    def end(self, order: str, state: str) -> None:
        self.orders[order]["state"] = state

    def message(
        self, order: str, *, key: bytes = KEY, at: int | None = None, **changed
    ) -> tuple[dict, bytes]:
        """A signed callback for an order as it stands: (headers, body)."""
        body = json.dumps({"order": order} | self._standing(order) | changed).encode()
        return self.sign(body, key=key, at=at), body

    def sign(self, body: bytes, *, key: bytes = KEY, at: int | None = None) -> dict[str, str]:
        timestamp, nonce = str(at or clock.now_s()), secrets.token_hex(16)
        return {
            "Payment-Timestamp": timestamp,
            "Payment-Nonce": nonce,
            "Payment-Signature": mac(CALLBACK, timestamp, nonce, body, key=key),
        }

    def _standing(self, order: str) -> dict:
        known = self.orders.get(
            order, {"state": "paid", "amount_fen": 1, "currency": "CNY", "reference": "?"}
        )
        return {name: known[name] for name in ("state", "amount_fen", "currency", "reference")}

    def _do(self, path: str, asked: dict) -> tuple[int, dict]:
        order = asked["order"]
        if path == "/v1/orders":
            known = self.orders.setdefault(
                order,
                {
                    "state": "unpaid",
                    "amount_fen": asked["amount_fen"],
                    "currency": asked["currency"],
                    "reference": f"R{len(self.orders) + 1}",
                    "merchant": asked["merchant"],
                    "title": asked["title"],
                    "refunds": 0,
                },
            )
            return 200, {"reference": known["reference"], "pay_url": f"{self.url}/pay/{known['reference']}"}
        if order not in self.orders:
            return 404, {}
        known = self.orders[order]
        if path == "/v1/refunds" and known["state"] == "paid":
            assert (asked["amount_fen"], asked["currency"]) == (known["amount_fen"], "CNY")
            known["state"] = "refunded"
            known["refunds"] += 1
        return 200, self._standing(order)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        peer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                right = mac(self.path, self.headers["Payment-Timestamp"], self.headers["Payment-Nonce"], body)
                fresh = abs(clock.now_s() - int(self.headers["Payment-Timestamp"])) < 60
                with peer._lock:
                    peer.asked.append(self.path)
                    if not fresh or right != self.headers["Payment-Signature"]:
                        peer.unsigned.append(self.path)
                    status, answer = (503, {}) if peer.down else peer._do(self.path, json.loads(body))
                if peer.unheard:
                    self.close_connection = True
                    return
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps(answer).encode() if peer.answer is None else peer.answer)

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        return Handler
