// Starts the page: lets a person in, shows what the address names, and follows links without reloading.

import { drawHistory } from "./history_view.js";
import { follow, say } from "./job_view.js";
import { listenForFiles } from "./sending.js";
import { ask, openSession } from "./server.js";
import { boundsOf } from "./words.js";

const at = (id) => document.getElementById(id);

function jobInAddress() {
  return /^\/jobs\/([0-9a-f]{32})$/.exec(location.pathname)?.[1] ?? null;
}

function show() {
  if (!jobInAddress()) document.title = "jaxfake: ask about a file";
  follow(jobInAddress(), () => drawHistory(jobInAddress));
  drawHistory(jobInAddress);
}

function go(path) {
  history.pushState(null, "", path);
  show();
}

function tell(message) {
  at("notice").textContent = message;
  at("notice").hidden = message === "";
}

async function start() {
  try {
    const { admitted, limits } = await openSession();
    if (!admitted) return askForToken();
    tell("");
    at("access").hidden = true;
    at("bounds").textContent = boundsOf(limits);
    for (const id of ["send", "history"]) at(id).hidden = false;
    listenForFiles(limits, (job, first) => (first ? go(`/jobs/${job.id}`) : drawHistory(jobInAddress)));
    show();
  } catch (error) {
    tell(`${error.message} Load the page again.`);
  }
}

function askForToken() {
  at("access").hidden = false;
  at("token").focus();
}

async function letIn(token) {
  try {
    await ask("POST", "/api/access", JSON.stringify({ token }));
    await start();
  } catch (error) {
    tell(error.message);
    askForToken();
  }
}

at("access-form").addEventListener("submit", (event) => {
  event.preventDefault();
  letIn(at("token").value);
});

at("remove").addEventListener("click", async () => {
  try {
    await ask("DELETE", `/api/jobs/${jobInAddress()}`);
    go("/");
    say("Removed.");
    at("main").focus();
  } catch (error) {
    tell(error.message);
  }
});

document.addEventListener("click", (event) => {
  const link = event.target.closest?.('a[href^="/jobs/"], a[href="/"]');
  if (!link || event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  go(link.getAttribute("href"));
  at(jobInAddress() ? "job-title" : "main").focus();
});

window.addEventListener("popstate", show);

const token = new URLSearchParams(location.hash.slice(1)).get("token");
if (token) {
  history.replaceState(null, "", location.pathname);
  letIn(token);
} else {
  start();
}
