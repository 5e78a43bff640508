"""Traces over OTLP/HTTP, where `OTEL_EXPORTER_OTLP_ENDPOINT` says where to. Imports OpenTelemetry, an extra, when asked.

Spans are named by the route's template and carry method, route, status and request id: never a path, a query, an
address, a header or the text of an error. A trace begun by a proxy of ours is gone on with (W3C Trace Context,
`traceparent`). The rest of OpenTelemetry's own environment holds too: headers, timeout, sampler, service name.
"""

import importlib.util
import threading
from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL")
PROTOCOL = "http/protobuf"
TRACEPARENT = b"traceparent"
FLUSH_S = 5.0
"""A stopping worker has this long to send its last spans."""
_PACKAGES = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")


class TelemetryUnusable(ValueError):
    """Traces are asked for and cannot be sent; the one line says what would be right."""


def check_telemetry(environment: Mapping[str, str]) -> bool:
    """Whether traces are asked for.

    Raises:
        TelemetryUnusable: they are, and cannot be sent.
    """
    asked = next((name for name in ENDPOINTS if environment.get(name)), None)
    if asked is None or environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    if not environment[asked].startswith(("http://", "https://")):
        raise TelemetryUnusable(f"{asked}: must be a URL such as http://collector:4318")
    for name in PROTOCOLS:
        if environment.get(name, PROTOCOL) != PROTOCOL:
            raise TelemetryUnusable(f"{name}: only {PROTOCOL} is spoken here")
    if not all(map(_is_installed, _PACKAGES)):
        raise TelemetryUnusable(
            f"{asked} is set, but OpenTelemetry is not installed: pip install 'gongdao[telemetry]'"
        )
    return True


def _is_installed(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except ModuleNotFoundError:
        return False


def open_tracing(environment: Mapping[str, str]) -> "Tracing | None":
    """Tracing as the environment asks for it, None if it does not.

    Raises:
        TelemetryUnusable: it does, and traces cannot be sent.
    """
    if not check_telemetry(environment):
        return None
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    named = {} if environment.get("OTEL_SERVICE_NAME") else {"service.name": "gongdao"}
    provider = TracerProvider(resource=Resource.create(named))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return Tracing(provider)


class RequestSpan:
    """The span of one request, to be told what became of it."""

    def __init__(self, span: "Span", method: str) -> None:
        self._span, self._method = span, method

    def end(self, *, route: str, status: int) -> None:
        """Names the span, once the route is known. `status` 0: no answer was begun."""
        from opentelemetry.trace import StatusCode  # noqa: PLC0415

        self._span.update_name(f"{self._method} {route}")
        self._span.set_attribute("http.route", route)
        if status:
            self._span.set_attribute("http.response.status_code", status)
        if not 0 < status < 500:
            self._span.set_status(StatusCode.ERROR)


class Tracing:
    """Owns the spans of one worker until they are sent."""

    def __init__(self, provider: "TracerProvider") -> None:
        from opentelemetry import trace  # noqa: PLC0415
        from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415
            TraceContextTextMapPropagator,
        )

        self._trace = trace
        self._provider = provider
        self._tracer = provider.get_tracer("gongdao")
        self._propagator = TraceContextTextMapPropagator()

    @contextmanager
    def request(
        self, method: str, *, request_id: str, traceparent: str | None
    ) -> Generator[RequestSpan, None, None]:
        """The span of a request; what is done within is part of it. `traceparent` is a trusted proxy's, or None."""
        carrier = {"traceparent": traceparent} if traceparent else {}
        about: dict[str, Any] = {"http.request.method": method, "gongdao.request_id": request_id}
        span = self._tracer.start_span(
            method,
            context=self._propagator.extract(carrier),
            kind=self._trace.SpanKind.SERVER,
            attributes=about,
        )
        # What an exception says may be about a person; the log tells it discreetly, the span only that there was one.
        with self._trace.use_span(
            span, end_on_exit=True, record_exception=False, set_status_on_exception=False
        ):
            yield RequestSpan(span, method)

    def stage(self, name: str) -> AbstractContextManager[object]:
        """A span for one step of a request, as `reservation.kernel.Stage`."""
        return self._tracer.start_as_current_span(name, record_exception=False, set_status_on_exception=False)

    def close(self) -> None:
        """Sends what is left, for FLUSH_S at most."""
        # The exporter repeats for longer than a stop may take; a thread that nobody waits for ends with the process.
        sending = threading.Thread(target=self._provider.shutdown, name="last-spans", daemon=True)
        sending.start()
        sending.join(FLUSH_S)
