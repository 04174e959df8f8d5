// What htmx leaves open: keys, clearing a sent field, links to beliefs, the folded panel on a phone, and a conversation
// after a reload.
"use strict";

const conversation = document.getElementById("conversation");
const composer = document.getElementById("composer");
const message = document.getElementById("message");
const problem = document.getElementById("problem");
const memory = `idiolect-turns:${conversation.dataset.user}`;
const LAST = 40; // turns that come back after a reload
let speaksByKeys = false;

// Enter sends; with Shift, or while an input method composes a character, it does what it always did.
message.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  if (stop.hidden && !send.disabled) composer.requestSubmit();
});

document.addEventListener("keydown", () => { speaksByKeys = true; }, true);
document.addEventListener("pointerdown", () => { speaksByKeys = false; }, true);

// A field is cleared when the server has taken what was in it, not before.
function clear(form) {
  const field = form.dataset?.clears && document.querySelector(form.dataset.clears);
  if (field) field.value = "";
}
// What was filled in and taken is folded again.
function fold(deed) {
  if (!deed) return;
  deed.open = false;
  if (speaksByKeys) deed.querySelector("summary").focus();
}
document.addEventListener("htmx:sse:before:connection", (event) => clear(event.target));
document.addEventListener("htmx:after:request", (event) => {
  if (event.detail.ctx.response.status >= 400) return;
  clear(event.target);
  fold(event.target.closest("form")?.closest("details.deed"));
});

// A button that was pressed may be gone with what it stood under: who uses the keyboard goes on in the message box.
let pressed = null;
function goOn() {
  if (speaksByKeys && document.activeElement === document.body) message.focus();
}
document.addEventListener("htmx:before:request", (event) => { pressed = event.target; });
document.addEventListener("htmx:finally:request", goOn);
document.addEventListener("htmx:after:swap", () => { if (pressed && !pressed.isConnected) { pressed = null; goOn(); } });

// What may be chosen stays in sight above the composer, however tall it is.
new ResizeObserver(() => {
  document.documentElement.style.setProperty("--composer", `${composer.offsetHeight}px`);
}).observe(composer);

// While an answer is awaited, Stop stands in the place of Send; leaving the stream stops the model.
const send = composer.querySelector("button:not([type])");
const stop = document.getElementById("stop");
let asked = "";
function waits(is) {
  const goesOn = document.activeElement === (is ? send : stop);
  send.hidden = is;
  stop.hidden = !is;
  if (goesOn) (is ? stop : message).focus();
}
composer.addEventListener("htmx:before:request", () => { asked = message.value; waits(true); });
composer.addEventListener("htmx:finally:request", () => waits(false));
stop.addEventListener("click", () => {
  htmx.trigger(composer, "htmx:abort");
  conversation.querySelectorAll("[aria-busy]").forEach((turn) => {
    turn.removeAttribute("aria-busy");
    turn.removeAttribute("id"); // what is still under way finds it no more
    turn.querySelector(".waiting").replaceWith(document.getElementById("stopped").content.cloneNode(true));
  });
  waits(false);
  if (!message.value) message.value = asked; // to be changed and sent again
  message.focus();
});

for (const failure of ["htmx:error", "htmx:sse:error"]) {
  document.addEventListener(failure, () => {
    problem.replaceChildren(document.getElementById("gone").content.cloneNode(true));
    conversation.querySelectorAll("[aria-busy]").forEach((turn) => turn.remove());
  });
}

// Only the ids of the turns are kept, and only as long as this tab; their words come from the server again.
const turns = () => [...conversation.querySelectorAll("input[name=turn]")].map((field) => field.value);
document.addEventListener("htmx:after:swap", () => sessionStorage.setItem(memory, JSON.stringify(turns())));
document.querySelector(".brand").addEventListener("click", () => sessionStorage.removeItem(memory));

function recall() {
  const known = JSON.parse(sessionStorage.getItem(memory) ?? "[]").slice(-LAST);
  sessionStorage.removeItem(memory); // written again by the swap, if the server still knows them
  if (!known.length) return;
  const asked = new URLSearchParams([["user", conversation.dataset.user], ...known.map((id) => ["turn", id])]);
  htmx.ajax("GET", `/page/turns?${asked}`, { target: "#conversation", swap: "innerHTML show:bottom" });
}

// A link to a belief unfolds all that it stands in, then the belief itself, which looks up where it comes from.
document.addEventListener("click", (event) => {
  const belief = document.getElementById(event.target.closest?.("[data-opens]")?.dataset.opens ?? "");
  if (!belief) return;
  event.preventDefault();
  for (let fold = belief; fold; fold = fold.parentElement.closest("details")) fold.open = true;
  belief.scrollIntoView({ block: "center" });
  belief.querySelector("summary").focus({ preventScroll: true });
});

if (window.matchMedia("(max-width: 54rem)").matches) document.getElementById("panel").open = false;
recall();
