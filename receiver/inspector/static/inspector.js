// Three comforts. Every page works without them: rows appear by themselves, times say how long ago, buttons copy.
"use strict";

const live = document.getElementById("live");
const news = document.getElementById("news");
const LONGEST = 60;

// --- The page asks for itself again: a short request, answered 304 unless something changed, so that an open page
// --- holds none of the threads that webhooks need. A page that nobody looks at asks nothing.

const every = Number(document.body.dataset.every || 0);
let tag = "";
let pause = every;
let timer = 0;

function later(seconds) {
  clearTimeout(timer);
  if (live && every && !document.hidden && isLive()) timer = setTimeout(ask, seconds * 1000);
}

function isLive() {
  const asked = new URLSearchParams(location.search);
  return !asked.has("live") && !asked.has("before");
}

async function ask() {
  try {
    const headers = { "X-Inspector-Live": "1" };
    if (tag) headers["If-None-Match"] = tag;
    const response = await fetch(location.href, { headers, cache: "no-store" });
    if (response.status === 401) return location.reload();
    if (response.ok) {
      tag = response.headers.get("ETag") || "";
      take(await response.text());
    }
    pause = response.ok || response.status === 304 ? every : Math.min(pause * 2, LONGEST);
  } catch {
    pause = Math.min(pause * 2, LONGEST);
  }
  document.body.classList.toggle("stale", pause > every);
  later(pause);
}

function take(text) {
  const fresh = new DOMParser().parseFromString(text, "text/html").getElementById("live");
  if (!fresh) return;
  const known = new Set([...live.querySelectorAll("tr[data-key]")].map((row) => row.dataset.key));
  const focused = document.activeElement;
  morph(live, document.importNode(fresh, true));
  if (focused !== document.activeElement && live.contains(focused)) focused.focus({ preventScroll: true }); // it moved
  const rows = [...live.querySelectorAll("tr[data-key]")].filter((row) => !known.has(row.dataset.key));
  for (const row of rows) row.classList.add("new");
  if (rows.length) news.textContent = rows.length === 1 ? "One new row" : `${rows.length} new rows`;
  dress(live);
}

// Make `old` what `fresh` is, keeping every node that is the same: focus, selection and opened details stay.
function morph(old, fresh) {
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && name !== "open") old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  const keyed = new Map([...old.children].filter((node) => node.dataset.key).map((node) => [node.dataset.key, node]));
  let at = old.firstChild;
  for (const next of [...fresh.childNodes]) {
    const key = next.dataset?.key;
    const same = key ? keyed.get(key) : at && !at.dataset?.key && at.nodeName === next.nodeName ? at : null;
    if (!same) {
      old.insertBefore(next, at);
      continue;
    }
    if (same === at) at = at.nextSibling;
    else old.insertBefore(same, at);
    if (same.nodeType === Node.TEXT_NODE) {
      if (same.data !== next.data) same.data = next.data;
    } else if (same.nodeType === Node.ELEMENT_NODE) morph(same, next);
  }
  while (at) {
    const gone = at;
    at = at.nextSibling;
    gone.remove();
  }
}

document.addEventListener("visibilitychange", () => later(0));

// --- Numbers that are shown are masked when their time is over, also on a page that does not ask.

// --- In seconds from now: this clock may be another than the receiver's.

const shown = Number(document.body.dataset.shown || 0);
if (shown) setTimeout(() => location.reload(), (shown + 1) * 1000);

// --- How long ago, and copying.

const UNITS = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];

function ago(seconds) {
  const [unit, size] = UNITS.find(([, each]) => Math.abs(seconds) >= each) || UNITS[3];
  const count = Math.floor(Math.abs(seconds) / size);
  return seconds < 0 ? `in ${count} ${unit}` : `${count} ${unit} ago`;
}

function dress(part) {
  for (const each of part.querySelectorAll("[data-at]")) {
    each.textContent = ago((Date.now() - Date.parse(each.dataset.at)) / 1000);
  }
  if (navigator.clipboard) for (const each of part.querySelectorAll("[data-copy]")) each.hidden = false;
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
  news.textContent = "Copied";
  button.classList.add("done");
  setTimeout(() => button.classList.remove("done"), 1500);
});

dress(document);
setInterval(() => dress(document), 10000);
later(every);
