"""Organisations that act for people or test them: driving schools and stations, who acts for them, and their API keys."""
