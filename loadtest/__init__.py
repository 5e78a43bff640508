"""Locust users and shapes, and the check of what they left behind. Loopback only.

    python -m loadtest.run rush      everybody at the opening second
    python -m loadtest.run day       a mixed day
    python -m loadtest.aftermath     what clients were told against what PostgreSQL has

`client`, `connection`, `opening_rush` and `ordinary_day` are loaded by Locust's processes only: Locust patches the
standard library with gevent, which the kernel's asyncio code must not share a process with. All the other modules
stay clear of Locust, and both sides meet in files: a plan goes in, a journal comes out.
"""
