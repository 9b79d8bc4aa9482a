#!/bin/sh
# Runs an engine: the command in the arguments. Its process group ends with the server, however that ends: then this
# script's standard input, a pipe whose other end only the server has, is at its end.
exec 3<&0
trap : TERM # Caught, not ignored, so that the engine starts with the default.
(
  trap '' TERM
  cat <&3 >/dev/null
  kill -TERM 0
  sleep 10
  kill -KILL 0
) &
"$@" </dev/null 3<&- &
engine=$!
# A signal ends the wait, not the engine.
while
  wait "$engine"
  status=$?
  kill -0 "$engine" 2>/dev/null
do :; done
exit "$status"
