"""A draw and its log on files: what operator, contributors, witnesses and auditors each do on a machine of their own.

`fairness` says what is right; here are the files, the sockets and the clock that it must not have.
"""
