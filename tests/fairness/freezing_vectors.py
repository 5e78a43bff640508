"""The frozen vectors of the published formats: `python -m tests.fairness.freezing_vectors` prints them.

They are written once for a version. A change that moves them is a new version of the format, or a fault.
"""

import json
import sys
from typing import Any

from fairness.bundle import in_order
from fairness.entrants import root_of_list
from fairness.entries import read
from fairness.policy import parse_policy
from fairness.seed import category_seed, contribution_input, freeze_hash
from fairness.verify import verify
from fairness.vrf import output_of
from tests.fairness.ceremonies import CHAIN, CONTRIBUTORS, KEYS, QUOTAS, play, reading, trust_text
from tests.fairness.receipts import ABSENT, LISTED


def frozen_vectors() -> dict[str, Any]:
    """Every step's value of one small draw, with its bundle and trust file."""
    played = play(12)
    bundle, trust = played.bundle(), trust_text()
    found = verify(reading(bundle), parse_policy(trust), demo=True)
    freeze = freeze_hash(played.entries[3])
    proofs = [read(text).proof for text in played.entries[4:6]]
    return {
        "source": "computed by fairness/ and, apart from it, by fairness/verifier/",
        "chain_hash": CHAIN.hash.hex(),
        "entrants": [[one.id_hash.hex(), one.weight, one.category] for one in played.entrants],
        "list_root": root_of_list(played.entrants).hex(),
        "entries": [text.decode() for text in played.entries],
        "freeze": freeze.hex(),
        "contributions": [
            {
                "secret": secret.hex(),
                "key": key.hex(),
                "alpha": contribution_input(freeze).hex(),
                "proof": proof.hex(),
                "output": output_of(proof).hex(),
            }
            for secret, key, proof in zip(CONTRIBUTORS, KEYS, proofs, strict=True)
        ],
        "signature": played.signature.hex(),
        "seed": found.seed.hex(),
        "category_seeds": {name: category_seed(found.seed, name).hex() for name in in_order(QUOTAS)},
        "winners": {
            name: [[one.id_hash.hex(), one.weight, one.score.hex()] for one in ranked]
            for name, ranked in played.winners
        },
        "trust": trust,
        "bundle": bundle.decode(),
        "receipts": {"listed": LISTED.decode(), "absent": ABSENT.decode()},
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(frozen_vectors(), ensure_ascii=False, indent=1) + "\n")
