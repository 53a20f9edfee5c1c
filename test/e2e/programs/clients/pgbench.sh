#!/bin/bash
# pgbench in its three modes, and a pipeline. Prints how many transactions there were and what they left.
set -u
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit

told() { grep -E '^(transaction type|scaling|query mode|number of (clients|transactions)|pgbench: error|[a-z]+:.*(ERROR|FATAL))'; }
left() { psql -XAt -c "select count(*), sum(abalance), md5(string_agg(aid || ':' || abalance, ',' order by aid)) from pgbench_accounts where abalance <> 0" \
  -c 'select sum(tbalance) from pgbench_tellers' -c 'select sum(bbalance) from pgbench_branches' -c 'select count(*), sum(delta) from pgbench_history'; }

if [ "${1:-}" = initialised ]; then echo 'done in tables'; else pgbench -q -i -I dtgvpf 2>&1 | sed -E 's/ \(.*//; s/[0-9.]+ s//g'; fi
for mode in simple extended prepared; do
  pgbench --random-seed=7 -n -M "$mode" -c 1 -t 100 2>&1 | told
  left
  pgbench --random-seed=7 -n -M "$mode" -c 4 -j 2 -S -t 250 2>&1 | told
  pgbench --random-seed=7 -n -M "$mode" -c 2 -C -S -t 5 2>&1 | told
done
cat >pipeline.sql <<'SQL'
\set a random(1, 1000)
\startpipeline
select abalance from pgbench_accounts where aid = :a;
update pgbench_accounts set abalance = abalance + 1 where aid = :a;
select count(*) from pgbench_accounts where aid < :a;
\endpipeline
select abalance as one, :a as two from pgbench_accounts where aid = :a \gset
update pgbench_tellers set tbalance = tbalance + :one where tid = 1 + :two % 10;
SQL
for mode in extended prepared; do
  pgbench --random-seed=7 -n -M "$mode" -c 1 -t 100 -f pipeline.sql 2>&1 | told
  left
done
echo 'select 1/0;' >fails.sql
pgbench -n -M extended -c 1 -t 1 -f fails.sql 2>&1 | grep -E 'ERROR|aborted|processed'
