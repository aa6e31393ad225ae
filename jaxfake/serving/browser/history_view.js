// The list of files that were sent from this browser.

import { ask } from "./server.js";
import { answerOf, time } from "./words.js";

const at = (id) => document.getElementById(id);
const EVERY = 4000; // milliseconds, while something is being done
const STATES = { queued: "waiting", running: "being scored", failed: "no result", interrupted: "interrupted" };

let timer = null;

export async function drawHistory(current) {
  clearTimeout(timer);
  let jobs;
  try {
    jobs = await ask("GET", "/api/jobs");
  } catch {
    timer = setTimeout(() => drawHistory(current), EVERY);
    return;
  }
  at("history-empty").hidden = jobs.length > 0;
  const focused = document.activeElement?.closest("#history-list a")?.getAttribute("href");
  at("history-list").replaceChildren(...jobs.map((job) => row(job, job.id === current())));
  if (focused) at("history-list").querySelector(`a[href="${focused}"]`)?.focus();
  if (jobs.some((job) => job.state === "queued" || job.state === "running")) {
    timer = setTimeout(() => drawHistory(current), EVERY);
  }
}

function row(job, isCurrent) {
  const line = document.createElement("li");
  const link = document.createElement("a");
  link.href = `/jobs/${job.id}`;
  link.textContent = job.name;
  if (isCurrent) link.setAttribute("aria-current", "page");
  const state = document.createElement("span");
  state.textContent = job.state === "done" ? answerOf(job) : STATES[job.state];
  const note = document.createElement("span");
  note.className = "soft";
  note.textContent = [time(job.created), job.message].filter(Boolean).join(" · ");
  line.append(link, state, note);
  return line;
}
