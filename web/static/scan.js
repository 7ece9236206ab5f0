// カメラで読み取る: loaded when somebody opens the camera. No picture leaves the page.
"use strict";

(() => {
  const EVERY = 150; // milliseconds between two looks
  const camera = document.getElementById("camera");
  const button = camera.querySelector(".camera-open");
  const view = camera.querySelector(".camera-view");
  const video = camera.querySelector("video");
  const said = camera.querySelector(".camera-said");
  let stream = null;
  let found = false;

  const close = () => {
    for (const track of stream?.getTracks() ?? []) track.stop();
    stream = null;
    video.srcObject = null;
    view.hidden = true;
    button.hidden = false;
  };

  const look = async (detector) => {
    if (!stream || found) return;
    try {
      const seen = await detector.detect(video);
      if (stream && seen.some((each) => window.kokinScanned(each.rawValue))) {
        found = true;
        said.textContent = said.dataset.found;
        close();
        return;
      }
      if (seen.length) said.textContent = said.dataset.other;
    } catch { /* the picture was not there yet */ }
    setTimeout(look, EVERY, detector);
  };

  const open = async () => {
    button.hidden = true;
    said.textContent = said.dataset.looking;
    try {
      const formats = (camera.dataset.formats ?? "qr_code").split(" ");
      const detector = new BarcodeDetector({ formats });
      stream = await navigator.mediaDevices.getUserMedia({
        audio: false,
        video: { facingMode: "environment", width: { ideal: 1920 }, height: { ideal: 1080 } },
      });
      view.hidden = false;
      video.srcObject = stream;
      await video.play();
      camera.querySelector(".camera-close").focus();
      look(detector);
    } catch {
      close();
      said.textContent = said.dataset.refused;
    }
  };

  button.addEventListener("click", () => { found = false; open(); });
  camera.querySelector(".camera-close").addEventListener("click", () => {
    close();
    said.textContent = "";
    button.focus();
  });
  window.addEventListener("pagehide", close);
  open();
})();
