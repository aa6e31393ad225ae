// Talks to the server. Every failure is an error whose message is a sentence for the person.

const UNREACHABLE = "The server does not answer.";

export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

let session = null;

export async function openSession() {
  session = await ask("GET", "/api/session");
  return session;
}

export async function ask(method, path, body) {
  let response;
  try {
    response = await fetch(path, {
      method,
      body,
      headers: method === "GET" ? {} : { "X-Jaxfake-Token": session?.page_token ?? "" },
      redirect: "error",
    });
  } catch {
    throw new Refused(0, UNREACHABLE);
  }
  if (!response.ok) throw refusedBy(response.status, await response.text());
  return response.status === 204 ? null : response.json();
}

// Sends a file and reports which share of it is sent. `stop` is an AbortSignal.
export function sendFile(file, tell, stop) {
  return new Promise((resolve, reject) => {
    const stopped = () => reject(new Refused(0, "Sending was stopped."));
    if (stop.aborted) return stopped();
    const request = new XMLHttpRequest(); // fetch does not tell how much is sent
    request.open("POST", `/api/jobs?name=${encodeURIComponent(file.name.slice(-300))}`);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.setRequestHeader("X-Jaxfake-Token", session.page_token);
    request.upload.onprogress = (event) => tell(event.lengthComputable ? event.loaded / event.total : 0);
    request.onload = () => {
      if (request.status === 201) resolve(JSON.parse(request.responseText));
      else reject(refusedBy(request.status, request.responseText));
    };
    request.onerror = () => reject(new Refused(0, "The server ended the upload or does not answer."));
    request.onabort = stopped;
    stop.addEventListener("abort", () => request.abort());
    request.send(file);
  });
}

function refusedBy(status, text) {
  try {
    return new Refused(status, JSON.parse(text).error);
  } catch {
    return new Refused(status, UNREACHABLE);
  }
}
