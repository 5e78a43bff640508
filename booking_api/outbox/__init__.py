"""What has happened, told: to persons as notices, to schools and stations as webhooks.

A fact's event is written in the fact's own transaction (`events.note_event`), and with it everybody's notice and every
subscriber's delivery. So nothing is told that did not happen, and nothing that happened is forgotten by a crash.
"""
