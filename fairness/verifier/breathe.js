// A page that computes for a minute must still scroll and answer.

const HELD_MS = 24;
let since = 0;

/**
 * Lets whatever else there is to do be done, if the last time is a while ago.
 * @returns {Promise<void>}
 */
export async function breathe() {
  if (performance.now() - since < HELD_MS) return;
  await nextTask();
  since = performance.now();
}

/** A task of its own. Not a timer: those of a page in the background come once a second. */
function nextTask() {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
