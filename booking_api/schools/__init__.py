"""Driving schools: learners who consent, batches of bookings made for them, and substitutions.

A booking that a school makes is the learner's. Read `batches` for what is asked, `carrying` for how it is done.
"""
