// Verdicts on receipts, all in one process: reads {"trust": path, "bundle": path, "receipts": [text]} from standard input.

import { createReadStream, readFileSync } from "node:fs";

import { utf8 } from "../../../fairness/verifier/bytes.js";
import { checkReceipt } from "../../../fairness/verifier/receipt.js";
import { parseTrust } from "../../../fairness/verifier/trust.js";
import { verify } from "../../../fairness/verifier/verify.js";

const { trust, bundle, receipts } = JSON.parse(readFileSync(0, "utf8"));
const believed = parseTrust(readFileSync(trust));
const draw = await verify(createReadStream(bundle), believed, { demo: true });
const verdicts = [];
for (const text of receipts) {
  const { holds, failure, listed, line } = await checkReceipt(utf8(text), believed, draw);
  const alone = await checkReceipt(utf8(text), believed);
  verdicts.push({ holds, failure, listed: listed !== null, line, alone: alone.failure?.name ?? null });
}
console.log(JSON.stringify(verdicts));
