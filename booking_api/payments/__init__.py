"""Fees of driving tests: one per person, authority and subject, settled before a session is held, good for one sitting.

Money moves elsewhere: at a payment provider (`remote`) or over a counter (`counter`). This room knows what is due, what
has been paid and what is to be paid back, and mends what a crash or a lost message has left open (`mending`).
"""
