"""The roster of a round: who examines what, where and when, out of the staff a centre has. Spec: docs/spec/roster.md.

`staff` reads the input, `town` puts it on a grid, `search` finds the roster (the only way to OR-Tools), `check` holds it
against every rule without a solver, `reasons` says in words what cannot be met, `board` draws it.
"""
