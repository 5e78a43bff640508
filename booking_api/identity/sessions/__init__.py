"""Sessions of pages: an id in a cookie here, everything else in a row of the database.

A session has several ids in its life. Every ROTATION an answer offers a new one; the old one is good until the new one is
first used, and GRACE longer, so that neither a lost answer nor parallel requests sign anybody out. An id that comes later
than that was copied: its session ends. Imports the identity room's own modules and SQLAlchemy.
"""
