// Shows one question at a time and sends what a key says. Every text is set as text: nothing of a row is ever markup.
"use strict";

const LABELS = { y: "pass", n: "fail", u: "unknown" };
const SAID = { pass: "yes", fail: "no", unknown: "cannot say" };
const part = (name) => document.getElementById(name);
let shown = null;
let note = "";
let waiting = true;

async function ask(path, body) {
  const headers = { "Content-Type": "application/json", "X-Verif-Session": sessionStorage.getItem("session") || "" };
  let answer;
  try {
    answer = await fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
  } catch {
    throw new Error("verif does not answer, and nothing was kept of the last key. Start the same command again: it goes on here.");
  }
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.error);
  return told;
}

async function attempt(work) {
  waiting = true;
  try {
    const told = await work();
    part("problem").textContent = "";
    show(told);
  } catch (error) {
    part("problem").textContent = error.message;
  }
  waiting = false;
}

function show(told) {
  shown = told;
  note = told.label ? told.label.note : "";
  const question = told.question;
  const number = question ? `Question ${told.at + 1} of ${told.total}, ` : "";
  part("progress").textContent = `${number}${told.done} of ${told.total} labelled`;
  part("pace").textContent = pace(told);
  part("bar").style.width = `${(100 * told.done) / told.total}%`;
  for (const name of ["main", "constraint"]) part(name).hidden = !question;
  document.querySelector(".ask").hidden = !question;
  part("end").hidden = Boolean(question);
  writing(false);
  given();
  if (!question) return;
  part("constraint").textContent = question.constraint;
  part("prompt").textContent = question.prompt;
  part("response").textContent = question.response;
  part("system").textContent = question.system;
  part("system-part").hidden = !question.system;
  part("history-part").hidden = !question.history.length;
  part("history").replaceChildren(...question.history.flatMap(turn));
  part("main").focus({ preventScroll: true });
  window.scrollTo(0, 0);
}

function turn(message) {
  const heading = document.createElement("p");
  const text = document.createElement("pre");
  heading.textContent = message.role;
  text.textContent = message.text;
  text.dir = "auto";
  return [heading, text];
}

function pace(told) {
  if (told.seconds === null || told.done === told.total) return "";
  const minutes = Math.ceil(((told.total - told.done) * told.seconds) / 60);
  return `${Math.round(3600 / Math.max(told.seconds, 1))} an hour, about ${minutes} min left`;
}

function given() {
  const label = shown.label;
  const parts = [label ? `Your answer: ${SAID[label.label]}` : "", note ? `Note: ${note}` : ""];
  part("given").textContent = parts.filter(Boolean).join(". ");
  for (const key of document.querySelectorAll("[data-label]"))
    key.classList.toggle("chosen", Boolean(label) && key.dataset.label === label.label);
}

function writing(open) {
  part("writing").hidden = !open;
  if (open) {
    part("note").value = note;
    part("note").focus();
  } else {
    part("main").focus({ preventScroll: true });
  }
}

function write(event) {
  if (event.isComposing || (event.key !== "Enter" && event.key !== "Escape")) return;
  event.preventDefault();
  if (event.key === "Enter") note = part("note").value.trim();
  writing(false);
  given();
}

document.addEventListener("keydown", (event) => {
  if (!part("writing").hidden) return write(event);
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || waiting || !shown) return;
  const key = event.key.toLowerCase();
  const question = shown.question;
  if (LABELS[key] && question) {
    const answer = { at: shown.at, key: question.key, label: LABELS[key], note };
    attempt(() => ask("/label", answer));
  } else if (key === "b") {
    attempt(() => ask("/show", { at: shown.at - 1 }));
  } else if (key === "f" && question) {
    attempt(() => ask("/show", shown.at + 1 < shown.total ? { at: shown.at + 1 } : {}));
  } else if (key === "t" && question) {
    event.preventDefault();
    writing(true);
  }
});

async function start() {
  const key = location.hash.slice(1);
  if (key) {
    history.replaceState(null, "", "/");
    sessionStorage.setItem("session", (await ask("/open", { key })).session);
  }
  return ask("/show", {});
}

attempt(start);
