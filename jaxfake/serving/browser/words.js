// What states, answers and limits are called on the page.

const ANSWERS = {
  fake: "Evidence of manipulation",
  real: "No evidence of manipulation",
  cannot_tell: "Cannot tell",
};

export function answerOf(job) {
  return ANSWERS[job.answer] ?? "Result";
}

export function stateOf(job) {
  switch (job.state) {
    case "queued":
      return job.ahead === 0 ? "Waiting: it is next." : `Waiting: ${counted(job.ahead, "file")} before it.`;
    case "running":
      return `${job.progress?.stage ?? "Working"}${frames(job.progress)}.`;
    case "done":
      return `Done ${time(job.finished)}.`;
    default:
      return job.message;
  }
}

// The same without numbers that change every second: a screen reader would read each of them.
export function announcementOf(job) {
  const name = job.name;
  switch (job.state) {
    case "queued":
      return `${name}: waiting, ${counted(job.ahead, "file")} before it`;
    case "running": {
      const { stage, done, total } = job.progress ?? { stage: "Working", done: 0, total: 0 };
      const quarter = total ? Math.floor((4 * done) / total) * 25 : 0;
      return `${name}: ${stage}${quarter ? `, ${quarter} percent of the frames` : ""}`;
    }
    case "done":
      return [`${name}: done. ${answerOf(job)}. ${job.words}`, ...job.notes].join(" Note: ");
    default:
      return `${name}: ${job.message}`;
  }
}

export function boundsOf(limits) {
  const megabytes = Math.floor(limits.upload_bytes / 2 ** 20);
  const pixels = (count) => Math.floor(count / 1e6);
  return `Up to ${megabytes} MB. Pictures up to ${pixels(limits.picture_pixels)} million pixels; videos up to `
    + `${rounded(limits.video_seconds / 60)} minutes and ${pixels(limits.frame_pixels)} million pixels a frame.`;
}

export function time(text) {
  return new Date(text).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}

function frames(progress) {
  return progress?.total ? `, ${progress.done} of ${counted(progress.total, "frame")}` : "";
}

function counted(number, noun) {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

function rounded(number) {
  return Math.round(number * 10) / 10;
}
