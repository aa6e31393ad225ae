// One file: where it stands, then its verdict and report. The address says which, so a reload goes on.

import { ask } from "./server.js";
import { announcementOf, answerOf, stateOf } from "./words.js";

const at = (id) => document.getElementById(id);
const EVERY = 1000; // milliseconds
const UNFINISHED = ["queued", "running"];

let shown = null; // id of the job that is shown
let said = "";

// `changed` is called when the state of a job changes.
export async function follow(id, changed) {
  shown = id;
  at("job").hidden = id === null;
  said = "";
  let state = null;
  let patience = false;
  clear();
  while (shown === id && id !== null) {
    try {
      const job = await ask("GET", `/api/jobs/${id}`);
      if (shown !== id) return;
      draw(job);
      if (state !== job.state) changed(job);
      state = job.state;
      if (!UNFINISHED.includes(state)) return;
      patience = false;
    } catch (error) {
      if (shown !== id) return;
      if (error.status !== 0) {
        fail(error.message);
        return;
      }
      if (!patience) say(at("job-state").textContent = `${error.message} Trying again.`);
      patience = true;
    }
    await new Promise((resolve) => setTimeout(resolve, EVERY));
  }
}

export function say(text) {
  if (text === said) return;
  said = text;
  at("live").textContent = text;
}

function clear() {
  at("job-title").textContent = "Loading";
  at("job-state").textContent = "";
  for (const id of ["job-progress", "verdict", "open-report", "open-results", "remove"]) at(id).hidden = true;
  at("report-place").replaceChildren();
}

function fail(message) {
  clear();
  at("job-title").textContent = "Not here";
  at("job-state").textContent = message;
  say(message);
}

function draw(job) {
  document.title = `${job.name}: jaxfake`;
  at("job-title").textContent = job.name;
  at("job-state").textContent = stateOf(job);
  at("remove").hidden = false;
  at("remove").textContent = UNFINISHED.includes(job.state) ? "Stop and remove" : "Remove";
  drawProgress(job);
  drawResult(job);
  say(announcementOf(job));
}

function drawProgress(job) {
  const bar = at("job-progress");
  bar.hidden = job.state !== "running";
  if (job.progress?.total) {
    bar.max = job.progress.total;
    bar.value = job.progress.done;
  } else {
    bar.removeAttribute("value");
  }
}

function drawResult(job) {
  const done = job.state === "done";
  for (const id of ["verdict", "open-report", "open-results"]) at(id).hidden = !done;
  if (!done) return;
  at("answer").textContent = answerOf(job);
  at("words").textContent = job.words;
  at("notes").replaceChildren(...job.notes.map(note));
  at("open-report").href = `/api/jobs/${job.id}/report`;
  at("open-results").href = `/api/jobs/${job.id}/results`;
  at("report-place").replaceChildren(reportFrame(`/api/jobs/${job.id}/report`));
}

// A new frame for each report: another address in an old one would be a step of "back" in the browser.
function reportFrame(address) {
  const frame = document.createElement("iframe");
  frame.id = "report";
  frame.title = "Report of the detector";
  frame.setAttribute("sandbox", "");
  frame.src = address;
  return frame;
}

function note(sentence) {
  const line = document.createElement("li");
  line.textContent = `Note: ${sentence.replace(/\.$/, "")}.`;
  return line;
}
