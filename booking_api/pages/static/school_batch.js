// A batch on its way: its bar, its numbers and the state of each row, asked for every few moments. When it has ended the page is loaded again, with every reason.

const EVERY_MS = 1500;
const SLOWER_MS = 6000;
const KINDS = { booked: "good", refused: "bad", held: "wait", waiting: "wait" };
const live = document.getElementById("live");
const words = document.getElementById("live-words");
const table = document.getElementById("rows");

if (live) follow();

async function follow() {
  let wait = EVERY_MS;
  for (;;) {
    await new Promise((done) => setTimeout(done, wait));
    if (document.hidden) continue;
    wait = EVERY_MS;
    try {
      const answer = await fetch(live.dataset.address, { headers: { Accept: "application/json" } });
      if (answer.redirected || answer.status === 401 || answer.status === 403) return location.reload();
      if (!answer.ok) throw new Error(answer.status);
      const told = await answer.json();
      show(told);
      if (told.ended) return location.reload();
    } catch {
      // The network or the platform does not answer now: the page stays as it is and asks less often.
      wait = SLOWER_MS;
    }
  }
}

function show({ state, counts, rows }) {
  if (live.dataset[state]) document.querySelector("#state .tag").textContent = live.dataset[state];
  for (const count of document.querySelectorAll("[data-count]")) count.textContent = counts[count.dataset.count];
  const total = Math.max(Number(live.dataset.total), 1);
  const booked = (100 * counts.booked) / total;
  const lost = live.querySelector(".progress-lost");
  live.querySelector(".progress-booked").setAttribute("width", booked);
  lost.setAttribute("x", booked);
  lost.setAttribute("width", (100 * (counts.refused + counts.released)) / total);
  words.textContent = words.dataset.sentence
    .replace("{booked}", counts.booked)
    .replace("{total}", live.dataset.total)
    .replace("{refused}", counts.refused)
    .replace("{waiting}", counts.waiting + counts.held);
  for (const row of table?.querySelectorAll("tr[data-row]") ?? []) {
    const state = rows[row.dataset.row];
    if (!state || state === row.dataset.state) continue;
    row.dataset.state = state;
    const tag = row.querySelector(".tag");
    tag.className = `tag ${KINDS[state] ?? "plain"}`;
    tag.textContent = table.dataset[state];
  }
}
