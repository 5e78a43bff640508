"""Keeping: a backup of an installation in one archive, and its way back.

Reads top-down: `backing_up` and `restoring` are the two flows; `archive` is the file with its `manifest`, `keys` what is
kept beside the database, `staging` the databases of a server, `programs` PostgreSQL's own clients. May import settings,
schema, the embedded servers' folders and the reservation kernel; nothing of the web.
"""
