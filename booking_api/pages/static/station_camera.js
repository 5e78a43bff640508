// The camera: codes are read here where the browser can (BarcodeDetector), else frames go to the server.

const HERE_EVERY_MS = 200;
const THERE_EVERY_MS = 700;
const SAME_CODE_MS = 8000;
const FRAME_WIDTH = 960;
const FRAME_QUALITY = 0.8;

const on = document.getElementById("camera");
const off = document.getElementById("camera-off");
const view = document.getElementById("view");
const video = document.getElementById("video");
const looking = document.getElementById("looking");

/** Offers the camera. `decoded` takes a code, `frame` a picture; `free` says whether the next one may be looked for. */
export function camera({ decoded, frame, free }) {
  if (!navigator.mediaDevices?.getUserMedia) return;
  on.hidden = false;
  let stream = null;
  let last = { code: "", at: 0 };
  on.addEventListener("click", start);
  off.addEventListener("click", stop);

  async function start() {
    const said = looking.textContent;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 1280 } } });
    } catch {
      view.hidden = false;
      video.hidden = true;
      looking.textContent = view.dataset.refused;
      return;
    }
    looking.textContent = said;
    video.hidden = view.hidden = off.hidden = false;
    on.hidden = true;
    video.srcObject = stream;
    await video.play();
    look(await detector());
  }

  function stop() {
    for (const track of stream?.getTracks() ?? []) track.stop();
    stream = null;
    video.srcObject = null;
    view.hidden = off.hidden = true;
    on.hidden = false;
  }

  async function look(reader) {
    while (stream) {
      if (free() && !document.hidden) await (reader ? lookHere(reader) : lookThere());
      await new Promise((done) => setTimeout(done, reader ? HERE_EVERY_MS : THERE_EVERY_MS));
    }
  }

  async function lookHere(reader) {
    const [found] = await reader.detect(video);
    if (!found || (found.rawValue === last.code && Date.now() - last.at < SAME_CODE_MS)) return;
    last = { code: found.rawValue, at: Date.now() };
    await decoded(found.rawValue);
  }

  async function lookThere() {
    // The person just answered for needs a moment to take the code away.
    if (Date.now() - last.at < SAME_CODE_MS) return;
    const scale = Math.min(1, FRAME_WIDTH / video.videoWidth);
    const canvas = document.createElement("canvas");
    canvas.width = video.videoWidth * scale;
    canvas.height = video.videoHeight * scale;
    if (!canvas.width) return;
    canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
    const picture = await new Promise((done) => canvas.toBlob(done, "image/jpeg", FRAME_QUALITY));
    if (picture && (await frame(picture))) last = { code: "", at: Date.now() };
  }
}

async function detector() {
  if (!("BarcodeDetector" in window)) return null;
  const formats = await BarcodeDetector.getSupportedFormats();
  return formats.includes("qr_code") ? new BarcodeDetector({ formats: ["qr_code"] }) : null;
}
