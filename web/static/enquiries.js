// 納付の確認の手助け: the page works without this file; it only saves steps.
"use strict";

(() => {
  // 計算による確認: the task of a form is solved while somebody types (web/enquiries/proof.py).
  const K = [];
  const START = [];
  for (let n = 2; K.length < 64; n += 1) {
    let prime = true;
    for (let d = 2; d * d <= n; d += 1) if (n % d === 0) prime = false;
    if (!prime) continue;
    if (START.length < 8) START.push((Math.sqrt(n) % 1) * 2 ** 32 | 0);
    K.push((Math.cbrt(n) % 1) * 2 ** 32 | 0);
  }
  const turned = (x, n) => (x >>> n) | (x << (32 - n));

  // SHA-256 (FIPS 180-4) of ASCII text: its first word is all that is looked at.
  const firstWord = (text) => {
    const length = text.length;
    const blocks = (length + 8 >> 6) + 1;
    const words = new Int32Array(blocks * 16);
    for (let i = 0; i < length; i += 1) words[i >> 2] |= text.charCodeAt(i) << 24 - 8 * (i & 3);
    words[length >> 2] |= 0x80 << 24 - 8 * (length & 3);
    words[words.length - 1] = length * 8;
    const sum = Int32Array.from(START);
    const w = new Int32Array(64);
    for (let block = 0; block < blocks; block += 1) {
      let [a, b, c, d, e, f, g, h] = sum;
      for (let i = 0; i < 64; i += 1) {
        if (i < 16) {
          w[i] = words[block * 16 + i];
        } else {
          const x = w[i - 15];
          const y = w[i - 2];
          w[i] = w[i - 16] + w[i - 7]
            + (turned(x, 7) ^ turned(x, 18) ^ x >>> 3)
            + (turned(y, 17) ^ turned(y, 19) ^ y >>> 10) | 0;
        }
        const one = h + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25))
          + (e & f ^ ~e & g) + K[i] + w[i] | 0;
        const two = (turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + (a & b ^ a & c ^ b & c) | 0;
        h = g; g = f; f = e; e = d + one | 0; d = c; c = b; b = a; a = one + two | 0;
      }
      [a, b, c, d, e, f, g, h].forEach((value, i) => { sum[i] = sum[i] + value | 0; });
    }
    return sum[0];
  };

  const given = document.querySelector("input[name=task]");
  const fields = document.querySelectorAll("input[name=solution]");
  const SLICE = 25; // milliseconds in which the page does nothing else
  const LONGEST = 20000; // then it is sent without; it is taken all the same, only less often
  let solving = null;
  const solve = () => {
    if (solving || !given) return solving;
    const task = given.value;
    const bits = Number(task.split(".")[2]);
    const begun = Date.now();
    let number = 0;
    solving = new Promise((done) => {
      const work = () => {
        const until = Date.now() + SLICE;
        while (Date.now() < until) {
          for (let n = 0; n < 50; n += 1, number += 1) {
            if (firstWord(`${task}:${number}`) >>> 32 - bits === 0) {
              for (const field of fields) field.value = String(number);
              done();
              return;
            }
          }
        }
        if (Date.now() - begun > LONGEST) done();
        else setTimeout(work);
      };
      work();
    });
    return solving;
  };
  for (const event of ["focusin", "pointerdown"]) {
    document.addEventListener(event, (happened) => {
      if (happened.target.closest("main form, #camera")) solve();
    });
  }

  const forms = document.querySelectorAll("form[data-proof]");
  for (const form of forms) {
    let ready = false;
    form.addEventListener("submit", (event) => {
      if (ready) return;
      event.preventDefault();
      form.querySelector(".proof-said").textContent = form.dataset.proof;
      for (const button of form.querySelectorAll("button")) button.disabled = true;
      Promise.resolve(solve()).then(() => {
        ready = true;
        form.submit();
      });
    });
  }
  // Whoever comes back by the browser's button may send again.
  window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

  // 番号の入力: a whole number pasted into one field is spread over all four.
  const narrow = (text) => text
    .replace(/[０-９]/g, (digit) => String.fromCharCode(digit.charCodeAt(0) - 0xFEE0))
    .replace(/[^0-9]/g, "");
  const numbers = document.querySelector(".number-form");
  const inputs = numbers ? [...numbers.querySelectorAll("input[data-length]")] : [];
  const spread = (digits) => {
    let place = 0;
    for (const input of inputs) {
      const length = Number(input.dataset.length);
      input.value = digits.slice(place, place + length);
      place += length;
    }
  };
  for (const input of inputs) {
    input.addEventListener("input", () => {
      const digits = narrow(input.value);
      if (digits.length === 34) spread(digits);
    });
  }

  // eL-QR → eL番号 (symbols.md 1.1); what is no eL-QR is no number. The server checks every digit.
  const numberOf = (text) => (/^000201010212[0-9]{243}$/.test(text)
    ? text.slice(97, 102) + text.slice(70, 90) + text.slice(90, 96) + text.slice(60, 63)
    : "");
  window.kokinScanned = (text) => {
    const digits = numberOf(text);
    if (!digits) return false;
    spread(digits);
    numbers.requestSubmit();
    return true;
  };

  // カメラ: shown only where the browser itself can read the symbol; its code is loaded when asked.
  const camera = document.getElementById("camera");
  if (camera && "BarcodeDetector" in window && navigator.mediaDevices) {
    camera.hidden = false;
    camera.querySelector(".camera-open").addEventListener("click", () => {
      const script = document.createElement("script");
      script.src = camera.dataset.scan;
      document.head.append(script);
    }, { once: true });
  }

  // 確認コード behind the # of a printed address; it does not stay in the address.
  const code = document.getElementById("code");
  if (code && /^#[0-9A-Za-z-]{20,30}$/.test(location.hash)) {
    code.value = location.hash.slice(1);
    history.replaceState(null, "", location.pathname);
    code.form.requestSubmit();
  }

  // 写真: a large picture is made smaller before it is sent, which a slow line takes minutes for.
  const photo = document.getElementById("photo");
  const SIDE = 2400; // pixels; the modules of an eL-QR on a whole page are still four wide
  const SMALL = 1500000; // bytes that are sent as they are
  photo?.addEventListener("change", async () => {
    const file = photo.files[0];
    if (!file || !file.type.startsWith("image/") || file.size < SMALL) return;
    try {
      const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
      const scale = Math.min(1, SIDE / Math.max(picture.width, picture.height));
      const canvas = document.createElement("canvas");
      canvas.width = Math.round(picture.width * scale);
      canvas.height = Math.round(picture.height * scale);
      canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
      const smaller = await new Promise((done) => { canvas.toBlob(done, "image/jpeg", 0.9); });
      if (!smaller || smaller.size >= file.size) return;
      const files = new DataTransfer();
      files.items.add(new File([smaller], "photo.jpg", { type: "image/jpeg" }));
      photo.files = files.files;
    } catch { /* sent as it is */ }
  });

  document.querySelector(".mistakes")?.focus();
})();
