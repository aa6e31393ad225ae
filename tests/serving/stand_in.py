"""Stands in for the detector: `python stand_in.py FOLDER`, in the folder of the uploaded file.

It leaves what the detector leaves. The test says what it does by files in FOLDER: with `hold` it waits
until that is gone, and `do` names one of the misdeeds below.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

REPORT = "<!doctype html><title>report</title><h1>What was found</h1>"


def results(status="scored", answer="cannot_tell"):
    refused = status == "refused"
    file = {
        "file": {"name": "upload", "path": "upload"},
        "status": status,
        "refusal": "the picture is cut short" if refused else None,
        "verdict": {"answer": answer, "words": "It cannot be told from this file."},
    }
    runtime = {"degraded": [{"code": "not_calibrated", "sentence": "it is not calibrated"}]}
    return {
        "schema": "jaxfake.results",
        "schema_version": "1.0",
        "runtime": runtime,
        "files": [file],
    }


def main(control):
    with (control / "order").open("ab") as file:
        file.write(Path("upload").read_bytes()[-1:])
    progress = {"stage": "reading", "files_done": 0, "files": 1, "frames_done": 3, "frames": 12}
    Path("progress.json").write_text(json.dumps(progress))
    Path("left_behind").write_text("a temporary file")
    (control / "pid").write_text(str(os.getpid()))
    while (control / "hold").exists():
        time.sleep(0.01)
    deed = (control / "do").read_text() if (control / "do").exists() else ""
    if deed == "fail":
        print(f"Traceback: something broke in {control}")
        sys.exit(1)
    if deed == "child":  # a process that outlives it
        child = subprocess.Popen(["sleep", "9000"])
        (control / "child").write_text(str(child.pid))
    if deed == "memory":
        bytearray(1 << 34)
    if deed == "disk":
        with open("large", "wb") as file:
            file.truncate(1 << 40)
    out = Path("out")
    out.mkdir()
    (out / "results.json").write_text(
        "{"
        if deed == "garbage"
        else json.dumps(results("refused" if deed == "refuse" else "scored"))
    )
    if deed == "link":
        (out / "report.html").symlink_to(__file__)
    else:
        (out / "report.html").write_text(REPORT)
    os._exit(2 if deed == "refuse" else 0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
