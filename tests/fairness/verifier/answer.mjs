// Answers questions in JSON from standard input, one answer each, for comparison with other libraries.

import { readFileSync } from "node:fs";

import { bigEndian, fromHex, toHex } from "../../../fairness/verifier/bytes.js";
import { verifyG1Signature } from "../../../fairness/verifier/bls12381.js";
import { decodeG1, decodeG2 } from "../../../fairness/verifier/bls12381_curves.js";
import { productOfPairingsIsOne } from "../../../fairness/verifier/bls12381_pairing.js";
import { verifyEd25519 } from "../../../fairness/verifier/ed25519.js";
import { hashToG1 } from "../../../fairness/verifier/hash_to_g1.js";

const hex48 = (coordinate) => toHex(bigEndian(coordinate, 48));

const ANSWERS = {
  async hash_to_g1(message, dst) {
    const { x, y } = await hashToG1(fromHex(message), fromHex(dst));
    return hex48(x) + hex48(y);
  },
  decode_g1(text) {
    const { x, y } = decodeG1(fromHex(text));
    return hex48(x) + hex48(y);
  },
  decode_g2(text) {
    const { x, y } = decodeG2(fromHex(text));
    return [...x, ...y].map(hex48).join("");
  },
  pairings_are_one: (pairs) => productOfPairingsIsOne(pairs.map(([p, q]) => [decodeG1(fromHex(p)), decodeG2(fromHex(q))])),
  bls: (key, message, signature, dst) => verifyG1Signature(...[key, message, signature, dst].map(fromHex)),
  ed25519: (key, message, signature) => verifyEd25519(...[key, message, signature].map(fromHex)),
};

async function answer([question, ...values]) {
  try {
    return { answer: await ANSWERS[question](...values) };
  } catch (error) {
    return { error: error.message };
  }
}

const answers = [];
for (const question of JSON.parse(readFileSync(0, "utf8"))) answers.push(await answer(question));
console.log(JSON.stringify(answers));
