// Without this file every page works by its buttons; with it, the clock moves, the macro is checked while it is typed,
// and what a page shows of the calls follows.
"use strict";

document.documentElement.classList.add("script");

const CLOCK_MS = 700;
const TYPING_MS = 250;

const parsed = (text) => new DOMParser().parseFromString(text, "text/html");

async function load(address, options) {
  const answer = await fetch(address, { credentials: "same-origin", ...options });
  if (!answer.ok || answer.redirected) throw new Error(`${address}: ${answer.status}`);
  return parsed(await answer.text());
}

// The clock: asked for while it moves. Whatever follows the journal is loaded again when more has happened.
const clock = document.getElementById("clock");

function moving() {
  return clock.querySelector("[data-moving]").dataset.moving === "yes";
}

async function followClock() {
  const before = clock.querySelector("[data-moving]");
  const page = location.pathname + location.search;
  const fresh = (await load(`${clock.dataset.source}?page=${encodeURIComponent(page)}`)).body.firstElementChild;
  const happened = fresh.dataset.happened !== before.dataset.happened;
  const arrived = fresh.dataset.moving === "no";
  const focused = clock.contains(document.activeElement) ? document.activeElement : null;
  if (!clock.querySelector("details[open]") || arrived) before.replaceWith(fresh);
  if (focused && !clock.contains(focused)) inPlaceOf(focused)?.focus({ preventScroll: true });
  if (happened || arrived) await followCalls();
}

// Who goes by the keys keeps their place: at the same control, or at the first button where it is gone.
function inPlaceOf(old) {
  const same = (each) => each.nodeName === old.nodeName && each.value === old.value;
  return [...clock.querySelectorAll("a, button, select, summary")].find(same) ?? clock.querySelector("button:enabled");
}

async function followCalls() {
  const live = [...document.querySelectorAll("[data-live]")].filter((each) => !each.contains(document.activeElement));
  if (!live.length) return;
  const page = await load(location.href);
  for (const each of live) {
    const fresh = page.getElementById(each.id);
    if (fresh) each.replaceWith(fresh);
  }
}

async function watchClock() {
  while (moving()) {
    await new Promise((done) => setTimeout(done, CLOCK_MS));
    try {
      await followClock();
    } catch (problem) {
      // The console is restarting, or wants a password again: look again, or let the person reload.
      if (problem instanceof TypeError) continue;
      return;
    }
  }
}

if (clock) watchClock();

// A request is sent once, however often its button is pressed.
document.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (!button?.dataset.once) return;
  if (button.getAttribute("aria-disabled")) return event.preventDefault();
  button.setAttribute("aria-disabled", "true");
  button.textContent = button.dataset.once;
});

// The macro editor.
const form = document.getElementById("setup");

function editor() {
  const macro = document.getElementById("macro");
  const overlay = macro.closest(".overlay");
  let typing = 0;
  let asked = 0;

  const follow = () => {
    const marks = document.getElementById("marks");
    marks.scrollTop = macro.scrollTop;
  };

  async function check() {
    const mine = ++asked;
    const fields = new URLSearchParams(new FormData(form));
    const headers = { "X-CSRF-Token": fields.get("token") };
    fields.delete("token");
    try {
      const page = await load(form.dataset.preview, { method: "POST", body: fields, headers });
      if (mine !== asked) return;
      for (const id of ["marks", "lint", "palette", "sent", "saved"]) put(id, page.getElementById(id));
      overlay.classList.toggle("stale", !macro.value);
      follow();
    } catch {
      overlay.classList.add("stale"); // no answer: nothing is marked rather than the wrong thing
    }
  }

  function put(id, fresh) {
    const old = document.getElementById(id);
    if (old.outerHTML === fresh.outerHTML) return;
    const focused = old.contains(document.activeElement) ? document.activeElement.dataset.insert : null;
    const scrolled = old.scrollTop;
    old.replaceWith(fresh);
    fresh.scrollTop = scrolled;
    if (focused) fresh.querySelector(`[data-insert="${focused}"]`)?.focus({ preventScroll: true });
  }

  function changed() {
    overlay.classList.add("stale");
    clearTimeout(typing);
    typing = setTimeout(check, TYPING_MS);
  }

  function write(text, from, to) {
    macro.setRangeText(text, from, to, "end");
    macro.dispatchEvent(new Event("input", { bubbles: true }));
  }

  // At the end of a pair a whole pair is inserted, within one the macro alone. An empty macro begins as the default.
  function insert(name) {
    if (!macro.value) {
      macro.value = macro.placeholder;
      macro.setSelectionRange(macro.value.length, macro.value.length);
    }
    const before = macro.value.slice(0, macro.selectionStart);
    const pair = `${name}={${name}}`;
    const text = before.endsWith("}") ? `&${pair}` : before === "" || before.endsWith("&") ? pair : `{${name}}`;
    write(text, macro.selectionStart, macro.selectionEnd);
  }

  function correct(button) {
    const lines = macro.value.split("\n").slice(0, Number(button.dataset.line) - 1);
    const at = lines.join("\n").length + (lines.length ? 1 : 0) + Number(button.dataset.column) - 1;
    const length = macro.value.slice(at).indexOf("}") + 1;
    write(`{${button.dataset.instead}}`, at, at + length);
    macro.focus();
  }

  form.addEventListener("input", changed);
  macro.addEventListener("scroll", follow);
  form.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.insert) insert(button.dataset.insert);
    else if (button.dataset.instead) correct(button);
    else if (button.dataset.default) write(button.dataset.default, 0, macro.value.length);
    else return;
    event.preventDefault();
  });
  overlay.classList.toggle("stale", !macro.value);
}

if (form) editor();
