"""The pages people use, rendered on the server; every form works without scripts. Imports Litestar, Jinja2 and Babel.

A route says whom it serves (`routing`), finds out who came (`visiting`), reads its form (`forms`), and answers with a
template (`rendering`) or a refusal (`refusals`, `problem_pages`). Sentences are in `locale`, kept complete by
`extraction` and spoken by `catalogue`. Each room (`account`, `applicant`, ...) has its templates and catalogue by its name.
"""

from booking_api.pages.router import page_routes

__all__ = ["page_routes"]
