// Verdicts on bundles, all in one process: reads {"trust": path, "demo": bool, "bundles": [path]} from standard input.

import { createReadStream, readFileSync } from "node:fs";

import { parseTrust } from "../../../fairness/verifier/trust.js";
import { verify } from "../../../fairness/verifier/verify.js";

const { trust, demo, bundles } = JSON.parse(readFileSync(0, "utf8"));
const believed = parseTrust(readFileSync(trust));
const verdicts = [];
for (const bundle of bundles) {
  const { verified, failure, steps } = await verify(createReadStream(bundle), believed, { demo });
  verdicts.push({ verified, failure, held: steps.map(({ name }) => name) });
}
console.log(JSON.stringify(verdicts));
