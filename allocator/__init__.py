"""Rounds: who gets which session, and the proof. The only package that may load OR-Tools."""
