// Step 5: what was in the log when, as the witnesses' cosignatures tell it. Times are bigints of Unix seconds.

/**
 * @typedef {{size: number, times: Map<string, bigint>}} Witnessed a checkpoint and when each witness cosigned it
 */

/**
 * Refuses a freeze or a contribution that was witnessed too late, and a freeze too soon after the keys.
 * @param {import("./history.js").History} history
 * @param {Witnessed[]} checkpoints
 * @param {import("./trust.js").Trust} trust
 * @param {bigint} due when the round is made
 * @returns {{early: bigint, lead: bigint | null}} seconds: from the last of them to the round, from the keys to the
 *   freeze (null if nobody asks)
 * @throws {Error} that says what was too late
 */
export function requireTimes(history, checkpoints, trust, due) {
  if (!trust.asksForWitnesses) throw new Error("the trust file asks for no witness, and so nobody says when anything was in the log");
  const { isQuorum } = trust;
  const deadline = due - BigInt(trust.margin);
  const seen = [{ what: "the freeze", index: history.frozenIndex }];
  for (const { index } of history.contributions) seen.push({ what: `the contribution at ${index}`, index });
  let last = 0n;
  for (const { what, index } of seen) {
    const time = witnessedBy(index, checkpoints, isQuorum);
    if (time === null || time > deadline) {
      const told = time === null ? "never" : `${time - deadline} seconds too late`;
      throw new Error(`${what} was witnessed ${told}: ${trust.margin} seconds before the round were asked for`);
    }
    if (time > last) last = time;
  }
  return { early: due - last, lead: requireLead(history, checkpoints, trust) };
}

function requireLead({ keyIndexes, frozenIndex }, checkpoints, { lead, isQuorum }) {
  if (lead === 0) return null;
  let known = 0n;
  for (const index of keyIndexes) {
    const time = witnessedBy(index, checkpoints, isQuorum);
    if (time === null) throw new Error(`the contributor's key at ${index} was never witnessed`);
    if (time > known) known = time;
  }
  let absent = null;
  for (const { size, times } of checkpoints) {
    if (size > frozenIndex) continue;
    const time = latestQuorum(times, isQuorum);
    if (time !== null && (absent === null || time > absent)) absent = time;
  }
  if (absent === null) throw new Error("no checkpoint shows the log before the freeze");
  if (absent < known + BigInt(lead)) {
    throw new Error(
      `the log without the freeze was last seen ${absent - known} seconds after the contributors' keys: ${lead} were asked for`,
    );
  }
  return absent - known;
}

/** The smallest moment by which an entry is witnessed, or null. */
function witnessedBy(index, checkpoints, isQuorum) {
  let smallest = null;
  for (const { size, times } of checkpoints) {
    if (size <= index) continue;
    const time = earliestQuorum(times, isQuorum);
    if (time !== null && (smallest === null || time < smallest)) smallest = time;
  }
  return smallest;
}

/** The smallest moment by which a quorum had cosigned. */
function earliestQuorum(times, isQuorum) {
  return firstMoment(times, isQuorum, (a, b) => (a < b ? -1 : Number(a > b)));
}

/** The largest moment since which a quorum has cosigned. */
function latestQuorum(times, isQuorum) {
  return firstMoment(times, isQuorum, (a, b) => (a > b ? -1 : Number(a < b)));
}

/** Witnesses are added in one order of their times until they are a quorum. */
function firstMoment(times, isQuorum, order) {
  const cosigned = new Set();
  for (const [name, time] of [...times].sort(([, a], [, b]) => order(a, b))) {
    cosigned.add(name);
    if (isQuorum(cosigned)) return time;
  }
  return null;
}
