#!/bin/bash
# A script in the middle: migrate.sh CONNINFO STATEMENT...
python3 "$(dirname "$0")/migrate.py" "$@"
exit $?
