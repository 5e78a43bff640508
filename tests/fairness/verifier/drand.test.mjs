import assert from "node:assert/strict";
import test from "node:test";

import { bigEndian, fromHex, toHex, u64be, utf8 } from "../../../fairness/verifier/bytes.js";
import { G1, G2, decodeG1 } from "../../../fairness/verifier/bls12381_curves.js";
import { Fp, ORDER } from "../../../fairness/verifier/bls12381_fields.js";
import { productOfPairingsIsOne } from "../../../fairness/verifier/bls12381_pairing.js";
import { hashChain, openChain, timeOfRound, verifyRound } from "../../../fairness/verifier/drand.js";
import { hashToG1, mapToG1 } from "../../../fairness/verifier/hash_to_g1.js";
import { sha256 } from "../../../fairness/verifier/hashes.js";
import { encodeG1, withFlags } from "./bls12381_encoding.mjs";
import { flipBit, quicknet } from "./vectors.mjs";

const { info, chainHash, dst, rounds } = quicknet();
const chain = await openChain(info, chainHash);
const [{ round, signature }] = rounds;

test("quicknet's parts give its hash", async () => {
  assert.equal(toHex(await hashChain(info)), "52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971");
});

test("the default beacon's id is left out of its hash", async () => {
  // drand's first network: its hash is the name it is known by.
  const parts = {
    publicKey: fromHex("868f005eb8e6e4ca0a47c8a77ceaa5309a47978a7c71bc5cce96366b5d7a569937c529eeda66c7293784a9402801af31"),
    period: 30,
    genesisTime: 1595431050,
    genesisSeed: fromHex("176f93498eac9ca337150b46d21dd58673ea4e3581185f869672e59fa4cb390a"),
  };
  const hash = "8990e7a9aaed2ffed73dbd7092123d6f289930540d7651336225dc172e51b2ce";
  assert.equal(toHex(await hashChain({ ...parts, beaconId: "default" })), hash);
  assert.equal(toHex(await hashChain({ ...parts, beaconId: "" })), hash);
});

for (const { round: number, signature: signed, randomness, time } of rounds) {
  test(`round ${number} of quicknet holds`, async () => {
    assert.equal(toHex(await verifyRound(chain, number, signed)), randomness);
    assert.equal(timeOfRound(chain, number), time);
  });

  test(`round ${number}'s signature is not its neighbours'`, async () => {
    await assert.rejects(verifyRound(chain, number + 1, signed), /not the beacon's for round/);
    await assert.rejects(verifyRound(chain, number - 1, signed), /not the beacon's for round/);
  });
}

test("a round's signature with any one byte changed is refused", async () => {
  for (let byte = 0; byte < 48; byte++) {
    await assert.rejects(verifyRound(chain, round, flipBit(signature, 8 * byte + (byte % 8))), Error, `byte ${byte}`);
  }
});

test("the same x with the other sign is refused", async () => {
  await assert.rejects(verifyRound(chain, round, flipBit(signature, 5)), /not the beacon's for round/);
});

test("the identity is refused", async () => {
  const identity = Uint8Array.of(0xc0, ...new Uint8Array(47));
  await assert.rejects(verifyRound(chain, round, identity), /the BLS signature is the identity/);
});

test("a point outside the subgroup is refused, even the signature plus one that pairs to nothing", async () => {
  let x = 1n;
  while (Fp.sqrt(G1.rightSide(x)) === null) x += 1n;
  await assert.rejects(verifyRound(chain, round, withFlags(bigEndian(x, 48), false)), /outside the subgroup/);

  const inCofactor = G1.multiply(mapToG1(7n), ORDER);
  const second = G1.add(decodeG1(signature), inCofactor);
  await assert.rejects(verifyRound(chain, round, encodeG1(second)), /outside the subgroup/);

  // Without the subgroup check it would be a second signature for the round, and so a second randomness.
  const hashed = await hashToG1(await sha256(u64be(round)), utf8(dst));
  assert.equal(productOfPairingsIsOne([[G1.negate(second), G2.generator], [hashed, chain.key]]), true);
});

test("a chain of another key, period, genesis, seed or id has another hash and is refused", async () => {
  const changes = [
    { publicKey: flipBit(info.publicKey, 5) },
    { period: 30 },
    { genesisTime: info.genesisTime + 1 },
    { genesisSeed: flipBit(info.genesisSeed, 0) },
    { beaconId: "default" },
  ];
  for (const change of changes) await assert.rejects(openChain({ ...info, ...change }, chainHash), /give the chain hash/);
});

test("a chain's parts have their lengths, and its times are positive", async () => {
  const seed = info.genesisSeed;
  await assert.rejects(openChain({ ...info, genesisSeed: seed.subarray(1) }, chainHash), /genesis seed has 31 bytes/);
  await assert.rejects(openChain(info, chainHash.subarray(1)), /chain hash has 31 bytes/);
  for (const change of [{ period: 0 }, { period: undefined }, { genesisTime: -1 }]) {
    await assert.rejects(openChain({ ...info, ...change }, chainHash), /must be positive/);
  }
  await assert.rejects(openChain({ ...info, period: 1.5 }, chainHash), /not a safe integer/);
});

test("a chain whose hash is right but whose key is no key is refused", async () => {
  const odd = { ...info, publicKey: Uint8Array.of(0xc0, ...new Uint8Array(95)) };
  await assert.rejects(openChain(odd, await hashChain(odd)), /the BLS public key is the identity/);
});

test("rounds are counted from one, in whole numbers", async () => {
  assert.equal(timeOfRound(chain, 1), info.genesisTime);
  for (const number of [0, -1, 1.5, NaN, 2 ** 53, "123", undefined]) {
    assert.throws(() => timeOfRound(chain, number), /not a beacon round's number/);
    await assert.rejects(verifyRound(chain, number, signature), /not a beacon round's number/);
  }
});
