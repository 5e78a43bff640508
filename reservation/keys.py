"""Key names in Valkey. Every key of a pool, and every key of a claimant, shares one hash tag."""


def fence_key(pool: int) -> str:
    """The pool's fence, from which the functions derive the other keys (see `lua/pool.lua`)."""
    return f"{{p{pool}}}:fence"


def pool_prefix(pool: int, epoch: int) -> str:
    """What every key of one epoch of a pool begins with."""
    return f"{{p{pool}}}:{epoch}:"


def lease_key(*, claimant: str, service: str) -> str:
    """The claimant's lease: one active hold set per claimant and service, nationally (I3)."""
    return f"{{c:{claimant}}}:lease:{service}"
