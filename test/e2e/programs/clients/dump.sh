#!/bin/bash
# pg_dump in its formats; pg_restore of them into an empty database, whose dump is the first again. usage: dump.sh EMPTY...
set -u
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit

# PostgreSQL 15.13 and later put a random word there, against scripts that psql would run.
plain() { pg_dump "$@" | sed -E 's/^(\\(un)?restrict) .*/\1 same/'; }

plain >first.sql || echo "plain: $?"
pg_dump -Fc -f custom || echo "custom: $?"
pg_dump -Fd -j 2 -f directory || echo "directory: $?"
pg_dump -Ft -f tar || echo "tar: $?"
pg_dump --section=data --inserts --rows-per-insert=50 -t every -t parents -f inserts.sql || echo "inserts: $?"
sed -i -E '/^-- Dumped|restrict/d' inserts.sql
cat first.sql
sha256sum inserts.sql
pg_restore -l custom | sed -E '/^;/d; s/^[0-9]+; [0-9]+ [0-9]+ //'
for format in custom directory tar script; do
  echo "== restored from $format into another database"
  case $format in
    custom) pg_restore --exit-on-error -d "$1" custom ;;
    directory) pg_restore --exit-on-error -j 2 -d "$1" directory ;;
    tar) pg_restore --exit-on-error --single-transaction -d "$1" tar ;;
    script) psql -Xq -o /dev/null -v ON_ERROR_STOP=1 -d "$1" -f first.sql ;;
  esac
  echo "status $?"
  plain "$1" >again.sql
  cmp first.sql again.sql && echo 'its dump is the same'
  shift
done
pg_restore -j 2 --data-only -t children -d "$PGDATABASE" custom 2>&1 | grep -c 'duplicate key'
