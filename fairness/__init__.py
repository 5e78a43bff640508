"""What anyone can recompute. Pure: no clock, network, environment or global randomness.

`commitment` binds a log entry to a person without naming them. The log itself follows RFC 6962 and the C2SP
specifications: `merkle` has the tree and its proofs, `tiles` and `log` how it is kept, `note`, `checkpoint` and
`cosignature` what is signed, `policy` whom a checker believes, `tlog_proof` what a person takes home.
"""

from fairness.commitment import commit

__all__ = ["commit"]
