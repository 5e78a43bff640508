"""The pages people use, rendered on the server and made live by own ES modules. Imports Litestar and Jinja2.

`live` is the page at `/`; `sessions` prepares what it shows; `words` has its sentences; `assets` serves styles and
modules; `rendering` puts a template and the security headers together.
"""

from booking_api.pages.router import page_routes

__all__ = ["page_routes"]
