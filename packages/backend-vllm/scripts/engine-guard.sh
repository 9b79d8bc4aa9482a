#!/bin/sh
# engine-guard.sh SECONDS COMMAND…: runs an engine. Its process group ends with the server, however that ends: then this
# script's standard input, a pipe whose other end only the server has, is at its end. What does not end when it is told is
# killed after so many seconds.
grace=$1
shift
exec 3<&0
trap : TERM # Caught, not ignored, so that the engine starts with the default.
(
  trap '' TERM
  cat <&3 >/dev/null
  kill -TERM 0
  left=$((grace * 10))
  while [ "$left" -gt 0 ] && kill -0 $$ 2>/dev/null; do
    sleep 0.1
    left=$((left - 1))
  done
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
