// 印刷の進み: asks again for this page while a run goes on, and puts its progress in place.
// Without scripts the link below the bar does the same.
"use strict";
(() => {
  const refresh = async () => {
    const here = document.getElementById("progress");
    if (!here || !here.dataset.refresh) {
      return;
    }
    try {
      const answer = await fetch(location.href, { credentials: "same-origin" });
      if (answer.ok) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const now = page.getElementById("progress");
        if (now && !now.dataset.refresh) {
          location.reload();
          return;
        }
        if (now) {
          here.replaceWith(now);
        }
      }
    } catch {
      // The network was away for a moment: the next round asks again.
    }
    setTimeout(refresh, 5000);
  };
  setTimeout(refresh, 5000);
})();
