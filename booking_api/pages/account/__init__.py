"""Signing in and out, registering, and one's own account."""
