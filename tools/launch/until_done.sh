#!/usr/bin/env bash
# Runs a command again for as long as it exits with 75: for rented boxes without a scheduler.
#
#     tools/launch/until_done.sh python -m jaxfake.main --config=configs/mover.py:ffpp
#
# 75 (stopped, the state is saved): again, after a pause that grows while the runs are short.
# 0 (done), 2 (something given is wrong), anything else: ends with that code, and says so.
# SIGTERM, SIGUSR1, SIGUSR2, Ctrl-C or a lost terminal: handed on to the command as SIGTERM; ends with 75
# once it has saved, for the next start of the box.
set -um  # m: the command has a process group of its own, so that a Ctrl-C reaches it once, by our hand

readonly again=75
readonly first_pause=5 longest_pause=300 short_run=60 # seconds, our choice

stopping="" child="" signals=0 code=0

say() { echo "until_done: $*" >&2; }

# The command takes a second signal as 'at once, without saving': each is handed on, none is added.
hand_on() {
  stopping=yes
  signals=$((signals + 1))
  [ -z "$child" ] || kill -TERM "$child" 2>/dev/null
}

# Runs a command to its end, signals or not, and leaves its exit code in `code`.
run() {
  "$@" </dev/null &
  child=$!
  if [ -n "$stopping" ]; then kill -TERM "$child" 2>/dev/null; fi # it came while this was starting
  local before
  while before=$signals; wait "$child"; code=$?; [ "$signals" != "$before" ]; do :; done
  child=""
}

if [ $# -eq 0 ]; then
  say "give it the command to run, such as python -m jaxfake.main --config=configs/mover.py"
  exit 2
fi
# HUP: or the command would live on without us beside the next start. nohup and tmux keep it away.
trap hand_on TERM INT HUP USR1 USR2
pause=$first_pause
while true; do
  began=$SECONDS
  run "$@"
  # Above 128 the signal ended it before it could say so: nothing is lost but the time since the last save.
  if [ -n "$stopping" ] && { [ "$code" -eq $again ] || [ "$code" -gt 128 ]; }; then break; fi
  if [ "$code" -ne $again ]; then
    if [ "$code" -eq 0 ]; then say "done"; else say "stopped by exit code $code, not run again"; fi
    exit "$code"
  fi
  if [ $((SECONDS - began)) -ge $short_run ]; then pause=$first_pause; fi
  say "stopped with the state saved; again in $pause s"
  run sleep "$pause"
  if [ -n "$stopping" ]; then break; fi
  pause=$((pause * 2 < longest_pause ? pause * 2 : longest_pause))
done
say "asked to stop; the same command goes on where it was"
exit $again
