"""Locust users and shapes, and the check of what they left behind. Loopback only."""
