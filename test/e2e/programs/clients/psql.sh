#!/bin/bash
# psql: scripts, copies, large objects, errors, a large result. Prints the same wherever it runs.
set -u
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit

# Numbers of processes and objects are the server's and another each time.
same() { sed -E 's/(PID|process|lo_import|_fetch_|oid:) [0-9]+/\1 N/g; s/ *pg_temp_[0-9]+/ pg_temp_N/'; }

echo '== script'
psql -X -a -f "$here/psql.sql" 2>&1 | same
echo '== one transaction, stopping at the first error'
printf '%s\n' 'insert into scratch values (900);' 'select 1/0;' 'select 2;' | psql -X -1 -v ON_ERROR_STOP=1 2>&1
echo "status $?"
psql -XAt -c 'select count(*) from scratch where id = 900'
echo '== several statements in one message'
psql -XAt -c "insert into scratch values (901); select 'between'; select nothing; select 3" 2>&1
psql -XAt -c 'select count(*) from scratch where id = 901'
echo '== formats'
for format in aligned csv html latex wrapped asciidoc; do psql -X -P "format=$format" -c 'select id, t, by, ia, jb, pr from every order by id'; done
echo '== every fetch by a cursor'
psql -XAt -v FETCH_COUNT=70 -c 'select id, body from wide order by id' | sha256sum
echo '== copies'
psql -X -c "\\copy every to 'every.txt'" -c "\\copy every to 'every.csv' csv header" -c "\\copy blobs to 'blobs.bin' binary"
sha256sum every.txt every.csv blobs.bin
psql -X -c "create temp table back (like every)" -c "\\copy back from 'every.txt'" -c "\\copy back from 'every.csv' csv header" \
  -c 'select count(*), count(distinct t) from back' -c 'create temp table bb (like blobs)' -c "\\copy bb from 'blobs.bin' binary" \
  -c 'select count(*), sum(length(body)) from bb join blobs using (id, body)' -c "\\copy (select body from blobs order by id limit 3) to stdout"
printf '1\tone\nbroken\n' | psql -X -c '\copy scratch (id, t) from stdin' 2>&1
psql -X -c 'copy every to stdout' | sha256sum
seq 200000 | sed 's/.*/&\tvalue & of many/' | psql -X -c 'copy scratch (id, t) from stdin' -c 'select count(*), sum(id) from scratch where t is not null'
echo '== a result of 50 MB'
psql -XAt -c "select n, repeat(md5(n::text), 32) from generate_series(1, 50000) n" | sha256sum
echo '== large objects'
head -c 300000 /dev/zero | tr '\0' 'z' >large
psql -Xq <<'SQL'
\lo_import large
\set number :LASTOID
\lo_export :number exported
select length(lo_get(:number)), lo_unlink(:number);
\lo_export 4242 small
SQL
cmp large exported && sha256sum small
echo '== a cancelled statement'
# To psql alone: what timeout sends to its group too comes twice, where the machine is slow.
timeout --foreground -s INT 1 psql -X -c 'select pg_sleep(30)' 2>&1
echo "status $?"
echo '== a database and a role that are not'
psql -X -d nothing_here -c 'select 1' 2>&1 | sed -E 's/at ".*" \([^)]*\)/at N/'
psql -X -U nobody_here -c 'select 1' 2>&1 | sed -E 's/at ".*" \([^)]*\)/at N/'
PGPASSWORD=wrong psql -X -c 'select 1' 2>&1 | sed -E 's/at ".*" \([^)]*\)/at N/'
