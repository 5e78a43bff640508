"""Prometheus metrics that workers keep; the supervising process serves those of all of them on a private port.

Workers write to files in `PROMETHEUS_MULTIPROC_DIR`, which must be set before this module is imported. Labels are
routes, methods, statuses, codes, outcomes and names of tasks: never a person. What only the stores know is asked for by
the supervising process itself (`booking_api.supervision`). Imports prometheus_client only.
"""

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Counter("gongdao_requests_total", "HTTP requests", ["method", "route", "status"])
SECONDS = Histogram(
    "gongdao_request_seconds",
    "Time to the first byte of the answer, of one request in eight",
    ["route"],
    buckets=(0.0025, 0.01, 0.05, 0.25, 1.0, 5.0),
)
REFUSALS = Counter("gongdao_refusals_total", "Refused requests by code", ["code"])

ACTS = Counter("gongdao_acts_total", "What was done to holds, bookings, promises and views", ["act"])
COMMITS = Counter("gongdao_commits_total", "Group commits")
COMMIT_ORDERS = Counter("gongdao_commit_orders_total", "Confirms in group commits")
COMMIT_QUEUE = Gauge(
    "gongdao_commit_queue", "Confirms that wait for their commit", multiprocess_mode="livesum"
)
WATCHERS = Gauge("gongdao_watchers", "Open streams of live counts", multiprocess_mode="livesum")
RESIDENT = Gauge(
    "gongdao_worker_resident_bytes", "Memory of each worker, by process id", multiprocess_mode="liveall"
)

JOB_ROUNDS = Counter(
    "gongdao_job_rounds_total", "Rounds of work beside serving: done or failed", ["task", "outcome"]
)
BATCH_ROWS = Counter("gongdao_batch_rows_total", "Rows of schools' batches that came to an end", ["outcome"])
DELIVERIES = Counter(
    "gongdao_webhook_deliveries_total",
    "Tries at a webhook: delivered, repeated later or given up",
    ["outcome"],
)

ROW_OUTCOMES = ("booked", "refused", "released")
TRY_OUTCOMES = ("delivered", "repeated", "given_up")

# There from the start: of a series that begins with its first failure nobody can see that it grew.
REFUSALS.labels("internal")
for _outcome in ROW_OUTCOMES:
    BATCH_ROWS.labels(_outcome)
for _outcome in TRY_OUTCOMES:
    DELIVERIES.labels(_outcome)
