// 納付書の窓口: a camera in place of a hand scanner. The page works without this file.
"use strict";

(() => {
  // What a hand scanner would have typed; the server reads every digit of it.
  const field = document.getElementById("slip-number");
  const SYMBOL = /^(000201010212[0-9]{243}|91[0-9]{42})$/;
  window.kokinScanned = (text) => {
    const digits = text.replace(/^\](C1|Q[0-6])/, "").replaceAll("\u001d", "");
    if (!SYMBOL.test(digits)) return false;
    field.value = digits;
    field.form.requestSubmit();
    return true;
  };

  // Shown only where the browser itself can read symbols; its code is loaded when asked.
  const camera = document.getElementById("camera");
  if (camera && "BarcodeDetector" in window && navigator.mediaDevices) {
    camera.hidden = false;
    camera.querySelector(".camera-open").addEventListener("click", () => {
      const script = document.createElement("script");
      script.src = camera.dataset.scan;
      document.head.append(script);
    }, { once: true });
  }
})();
