// Choosing, dropping and sending files, one after the other.

import { ask, openSession, sendFile } from "./server.js";

const at = (id) => document.getElementById(id);
const EVERY = 2000; // milliseconds
const waiting = [];
let limits = null;
let stopping = null;

// `accepted` is called with each job that the server has taken, and whether it is the first of several.
export function listenForFiles(known, accepted) {
  limits = known;
  const chosen = (files) => {
    at("refusals").replaceChildren();
    waiting.push(...files);
    if (!stopping) sendAll(accepted);
  };
  at("file").addEventListener("change", () => {
    chosen(at("file").files);
    at("file").value = ""; // so that the same file can be chosen again
  });
  at("sending-stop").addEventListener("click", () => {
    waiting.length = 0;
    stopping?.abort();
  });
  listenForDrops(chosen);
}

function listenForDrops(chosen) {
  const over = (is) => at("drop").classList.toggle("over", is);
  for (const kind of ["dragenter", "dragover"]) {
    document.addEventListener(kind, (event) => {
      event.preventDefault(); // else the browser would open the file in place of the page
      over(true);
    });
  }
  document.addEventListener("dragleave", (event) => event.relatedTarget === null && over(false));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    over(false);
    chosen(event.dataTransfer.files);
  });
}

async function sendAll(accepted) {
  at("sending").hidden = false;
  let first = true;
  while (waiting.length) {
    stopping = new AbortController();
    const file = waiting.shift();
    try {
      accepted(await sendOne(file), first);
      first = false;
    } catch (error) {
      refuse(file, error);
    }
  }
  at("sending").hidden = true;
  stopping = null;
}

async function sendOne(file) {
  if (file.size === 0) throw new Error("This file is empty.");
  if (file.size > limits.upload_bytes) {
    throw new Error(`This file has more than ${Math.floor(limits.upload_bytes / 2 ** 20)} MB, the most that is taken.`);
  }
  await roomInQueue(file);
  const tell = (share) => {
    at("sending-text").textContent = share < 1 ? `Sending ${file.name}` : `Checking ${file.name}`;
    at("sending-progress").value = share;
  };
  tell(0);
  try {
    return await sendFile(file, tell, stopping.signal);
  } catch (error) {
    if (error.status !== 403) throw error;
    await openSession(); // the server may have a new key
    return sendFile(file, tell, stopping.signal);
  }
}

// A person may let so many files wait; the page keeps the others.
async function roomInQueue(file) {
  const count = async () => (await ask("GET", "/api/jobs")).filter((job) => job.state === "queued").length;
  while (!stopping.signal.aborted && (await count()) >= limits.waiting_each) {
    at("sending-text").textContent = `${file.name} is sent when one of your files is done. Leave this page open.`;
    at("sending-progress").value = 0;
    await new Promise((resolve) => setTimeout(resolve, EVERY));
  }
}

function refuse(file, error) {
  const line = document.createElement("li");
  line.textContent = `${file.name}: ${error.message}`;
  at("refusals").append(line);
}
