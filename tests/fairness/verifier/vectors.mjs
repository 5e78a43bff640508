// The frozen vectors beside the tests, and what several tests do with bytes.

import { readFileSync } from "node:fs";

import { fromHex } from "../../../fairness/verifier/bytes.js";

export function vectors(name) {
  return JSON.parse(readFileSync(new URL(`../../vectors/${name}.json`, import.meta.url), "utf8"));
}

/** The chain of tests/vectors/drand_quicknet.json as `openChain` takes it, its hash, and its real rounds. */
export function quicknet() {
  const { info, rounds } = vectors("drand_quicknet");
  return {
    info: {
      publicKey: fromHex(info.public_key),
      period: info.period,
      genesisTime: info.genesis_time,
      genesisSeed: fromHex(info.genesis_seed),
      beaconId: info.beacon_id,
    },
    chainHash: fromHex(info.chain_hash),
    dst: info.dst,
    rounds: rounds.map((round) => ({ ...round, signature: fromHex(round.signature) })),
  };
}

export function flipBit(bytes, bit) {
  const changed = Uint8Array.from(bytes);
  changed[bit >> 3] ^= 1 << (bit & 7);
  return changed;
}

export function randomBytes(length) {
  return crypto.getRandomValues(new Uint8Array(length));
}
