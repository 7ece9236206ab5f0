// 一覧のキーボード操作: j/k and arrows walk the rows, Enter opens, x ticks, n/p turn pages.
// Everything works by Tab and Enter without this file.
"use strict";

(() => {
  const table = document.querySelector("[data-worklist]");
  if (!table) return;
  const TYPING = "input:not([type=checkbox]), select, textarea, summary, button";
  const rows = [...table.tBodies[0].rows];
  const link = (row) => row.querySelector("th a");
  const box = (row) => row.querySelector("input[type=checkbox]");
  const off = () => {
    try { return localStorage.getItem("kokin-shortcuts-off") !== null; } catch { return false; }
  };
  const current = () => rows.findIndex((row) => row.contains(document.activeElement));
  const go = (number) => {
    const row = rows[Math.min(Math.max(number, 0), rows.length - 1)];
    if (!row) return;
    link(row).focus();
    row.scrollIntoView({ block: "nearest" });
  };
  const turn = (which) => document.querySelector(`nav.pages a[rel=${which}]`)?.click();

  table.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    event.preventDefault();
    go(current() + (event.key === "ArrowDown" ? 1 : -1));
  });

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || off()) return;
    if (event.target.closest(TYPING) || document.querySelector("dialog[open]")) return;
    const here = current();
    if (event.key === "j") go(here + 1);
    else if (event.key === "k") go(here < 0 ? 0 : here - 1);
    else if (event.key === "n") turn("next");
    else if (event.key === "p") turn("prev");
    else if (event.key === "x" && here >= 0 && box(rows[here])) box(rows[here]).click();
    else return;
    event.preventDefault();
  });

  // すべてを選ぶ: one box ticks all rows of the page.
  const every = table.querySelector("[data-every]");
  if (!every) return;
  every.hidden = false;
  const boxes = rows.map(box).filter(Boolean);
  const tell = () => {
    const ticked = boxes.filter((one) => one.checked).length;
    every.checked = ticked === boxes.length;
    every.indeterminate = ticked > 0 && ticked < boxes.length;
  };
  every.addEventListener("change", () => {
    for (const one of boxes) one.checked = every.checked;
  });
  for (const one of boxes) one.addEventListener("change", tell);
  tell();
})();
