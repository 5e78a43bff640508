// Registers the service worker. A script's address is trusted code: the one policy of these pages makes only this one.

const policy = window.trustedTypes?.createPolicy("gongdao", {
  createScriptURL: (address) => {
    if (address !== "/worker.js") throw new TypeError("no script of ours");
    return address;
  },
});

/** Keeps the offline page and one's bookings in this browser, where service workers are to be had. */
export function register() {
  if (!("serviceWorker" in navigator)) return;
  navigator.serviceWorker.register(policy ? policy.createScriptURL("/worker.js") : "/worker.js").catch((error) => {
    console.info("no offline pages:", error.message);
  });
}
