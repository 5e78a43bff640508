"""Locustfile: the opening second, with a share of the people coming through the pages and the rest through the API."""

from typing import ClassVar

from loadtest.client import PLAN
from loadtest.opening_rush import Applicant, OpeningSpike
from loadtest.page_client import PageClient
from loadtest.plan import WEIGHTS

__all__ = ["Applicant", "OpeningSpike", "PageApplicant"]

Applicant.weight = round(WEIGHTS * (1 - PLAN.page_share))


class PageApplicant(PageClient, Applicant):
    """Wants one place, and has a browser."""

    abstract: ClassVar[bool] = False
    weight = round(WEIGHTS * PLAN.page_share)
