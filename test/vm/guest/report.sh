# How a script in a guest hands its findings to the test: marked lines on standard output. Sourced.
# shellcheck shell=bash

# report NAME: everything on standard input.
report() { printf '\n@hopline %s %s\n' "$1" "$(base64 -w0)"; }

# report_run NAME COMMAND…: what a command said, and how it ended: NAME, NAME.err, NAME.code.
report_run() {
  local name=$1 code=0 errors
  shift
  errors=$(mktemp)
  "$@" 2>"$errors" | report "$name" || code=$?
  report "$name.err" <"$errors"
  report "$name.code" <<<"$code"
}

stage() { printf '%s: %d s\n' "$*" "$SECONDS" >&2; }

# until_true SECONDS COMMAND…: tries until it succeeds.
until_true() {
  local end=$((SECONDS + $1)) what
  shift
  what=$*
  until "$@" >/dev/null 2>&1; do
    if ((SECONDS > end)); then
      echo "in vain: $what" >&2
      return 1
    fi
    sleep 0.2
  done
}
