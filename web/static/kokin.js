// 画面の手助け: every page works without this file; it only saves steps.
"use strict";

(() => {
  const TYPING = "input, select, textarea, [contenteditable]";
  const OFF = "kokin-shortcuts-off";

  // Storage may be forbidden by the browser's settings; then nothing is remembered.
  const stored = (kind, name) => {
    try { return window[kind].getItem(name); } catch { return null; }
  };
  const store = (kind, name, value) => {
    try {
      if (value === null) window[kind].removeItem(name);
      else window[kind].setItem(name, value);
    } catch { /* not remembered */ }
  };

  // 対話: what opens one is shown only now that it can.
  const open = (dialog) => { if (dialog && !dialog.open) dialog.showModal(); };
  for (const button of document.querySelectorAll("[data-opens]")) {
    const dialog = document.getElementById(button.dataset.opens);
    if (!dialog) continue;
    (button.closest("p[hidden]") || button).hidden = false;
    button.addEventListener("click", () => open(dialog));
  }

  // 一文字の操作: they can be switched off (WCAG 2.1.4).
  for (const box of document.querySelectorAll("[data-shortcuts]")) {
    box.checked = stored("localStorage", OFF) === null;
    box.addEventListener("change", () => store("localStorage", OFF, box.checked ? null : "1"));
  }

  // 開いたメニュー closes with Escape, by a click elsewhere, and when another one opens.
  const menus = document.querySelectorAll("details.drop, details.menu");
  const shut = (except) => {
    for (const menu of menus) if (menu !== except) menu.open = false;
  };
  document.addEventListener("click", (event) => {
    shut(event.target.closest("details.drop, details.menu"));
  });

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") {
      const menu = document.activeElement?.closest("details[open].drop, details[open].menu");
      shut(null);
      menu?.querySelector("summary").focus();
      return;
    }
    if (stored("localStorage", OFF) !== null) return;
    if (event.target.closest(TYPING) || document.querySelector("dialog[open]")) return;
    const field = document.getElementById("find-number");
    if (event.key === "/" && field) {
      event.preventDefault();
      field.focus();
      field.select();
    } else if (event.key === "?") {
      event.preventDefault();
      open(document.getElementById("shortcuts"));
    }
  });

  // 入力中の離脱: what was typed and not sent is not lost without a question.
  let typed = false;
  document.addEventListener("input", (event) => {
    const form = event.target.form;
    if (form && form.method === "post" && !form.matches(".find, [data-quiet]")) typed = true;
  });
  document.addEventListener("submit", (event) => { if (!event.defaultPrevented) typed = false; });
  window.addEventListener("beforeunload", (event) => { if (typed) event.preventDefault(); });

  // 絞り込み: a filter that says so is applied when it is changed.
  for (const form of document.querySelectorAll("form[method=get][data-auto]")) {
    form.addEventListener("change", () => form.requestSubmit());
  }

  // 開いた詳細 stays open while the tab lives.
  for (const details of document.querySelectorAll("details[data-remember][id]")) {
    const name = `kokin-open:${location.pathname}#${details.id}`;
    if (stored("sessionStorage", name) !== null) details.open = true;
    details.addEventListener("toggle", () => {
      store("sessionStorage", name, details.open ? "1" : null);
    });
  }

  // 入力の誤り: the summary is where one reads on.
  document.querySelector(".mistakes")?.focus();
})();
