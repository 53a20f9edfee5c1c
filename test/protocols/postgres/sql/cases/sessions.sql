begin
-- > begin: transaction | transaction begin

begin isolation level serializable read only
-- > begin: transaction | transaction begin

start transaction
-- > start: transaction | transaction begin

commit
-- > commit: transaction | transaction commit

commit and chain
-- > commit: transaction | transaction commit

end
-- > commit: transaction | transaction commit

rollback
-- > rollback: transaction | transaction rollback

abort
-- > rollback: transaction | transaction rollback

rollback work and no chain
-- > rollback: transaction | transaction rollback

savepoint s
-- > savepoint: transaction | transaction savepoint

release savepoint s
-- > release: transaction | transaction release

release s
-- > release: transaction | transaction release

rollback to savepoint s
-- > rollback: transaction | transaction rollback to

rollback to s
-- > rollback: transaction | transaction rollback to

prepare transaction 'x'
-- > prepare: transaction | transaction prepare

commit prepared 'x'
-- > commit: transaction | transaction commit prepared

rollback prepared 'x'
-- > rollback: transaction | transaction rollback prepared

set transaction isolation level repeatable read
-- > set: transaction

set session characteristics as transaction read only
-- > set: transaction

set constraints all deferred
-- > set: transaction

set search_path = a, b
-- > set: session

set local work_mem to '1GB'
-- > set: session

set time zone 'utc'
-- > set: session

set names 'utf8'
-- > set: session

set x.y = 1
-- > set: session

set role bob
-- > set: privilege session | role bob

SET ROLE 'Bob'
-- > set: privilege session | role Bob

set role "Bob"
-- > set: privilege session | role Bob

SET LOCAL ROLE bob
-- > set: privilege session | role bob

set session role bob
-- > set: privilege session | role bob

set role none
-- > set: privilege session | role none

set role to default
-- > set: privilege session | role none

set role = 'bob'
-- > set: privilege session | role bob

set "ROLE" to bob
-- > set: privilege session | role bob

set "rOlE" = bob
-- > set: privilege session | role bob

set local "role" to 'bob'
-- > set: privilege session | role bob

set U&"\0072ole" to bob
-- > set: privilege session | role bob

set session authorization bob
-- > set: privilege session | role bob

set session authorization 'bob'
-- > set: privilege session | role bob

set session authorization default
-- > set: privilege session | role none

set local session authorization bob
-- > set: privilege session | role bob

set session_authorization = bob
-- > set: privilege session | role bob

reset role
-- > reset: privilege session | role none

reset session authorization
-- > reset: privilege session | role none

reset "ROLE"
-- > reset: privilege session | role none

reset all
-- > reset: session

reset work_mem
-- > reset: session

discard all
-- > discard: privilege session | role none

discard plans
-- > discard: session

show all
-- > show: session

show role
-- > show: session

select set_config('role', 'bob', false)
-- > select: read privilege session | calls set_config | role bob

select pg_catalog.set_config('ROLE', 'bob', true) from t where a = 1
-- > select: read privilege session | reads t | columns a | calls pg_catalog.set_config | where | role bob

select set_config('session_authorization', $1, false)
-- > select: read privilege session unknown | calls set_config | unknown a role whose name is no constant

select set_config($1, 'bob', false)
-- > select: read privilege session unknown | calls set_config | unknown a setting whose name is no constant

select set_config('ro' || 'le', 'bob', false)
-- > select: read privilege session unknown | calls set_config | unknown a setting whose name is no constant

select set_config('role'::text, 'none', false)
-- > select: read privilege session | calls set_config | role none

select set_config(setting_name => 'role', new_value => 'bob', is_local => false)
-- > select: read privilege session unknown | calls set_config | unknown a setting whose name is no constant

select set_config('search_path', 'x', false)
-- > select: read session | calls set_config

select set_config(name, setting, false) from s
-- > select: read privilege session unknown | reads s | columns name, setting | calls set_config | no where | unknown a setting whose name is no constant

select set_config(e'\x72ole', U&'\0062ob', false)
-- > select: read privilege session | calls set_config | role bob

listen c
-- > listen: session

unlisten *
-- > unlisten: session

notify c, 'x'
-- > notify: utility

load 'x'
-- > load: session file

checkpoint
-- > checkpoint: utility

vacuum
-- > vacuum: utility

vacuum (full, analyze) s.t (a, b), u
-- > vacuum: utility | writes s.t, u | columns a, b

analyze
-- > analyze: utility

analyze verbose t (a)
-- > analyze: utility | reads t | columns a

cluster t using i
-- > cluster: utility | writes t

reindex table s.t
-- > reindex: utility | writes s.t

reindex index i
-- > reindex: utility | writes i

reindex database d
-- > reindex: utility

deallocate p
-- > deallocate: session | prepared p

deallocate all
-- > deallocate: session

deallocate prepare "P q"
-- > deallocate: session | prepared P q

prepare p as select a from t where b = $1
-- > prepare: session | reads t | columns a, b | where | prepared p | holds {select a from t where b = $1}

prepare p (int, numeric(10, 2)) as insert into t values ($1, $2) returning *
-- > prepare: session | reads t | writes t | columns * | prepared p | holds {insert into t values ($1, $2) returning *}

prepare "as" as delete from t
-- > prepare: session | writes t | no where | prepared as | holds {delete from t}

prepare p as with x as (delete from t returning *) select * from x limit 1
-- > prepare: session | reads t | writes t | columns * | no where | limit | prepared p | holds {with x as (delete from t returning *) select * from x limit 1}

prepare p as select set_config('role', 'bob', false)
-- > prepare: session | calls set_config | prepared p | holds {select set_config('role', 'bob', false)}

execute p
-- > execute: execute unknown | prepared p | unknown EXECUTE of an unknown prepared statement

execute p (1, f(2))
-- > execute: execute unknown | calls f | prepared p | unknown EXECUTE of an unknown prepared statement

explain select a from t where b = 1 limit 2
-- > explain: utility | reads t | columns a, b | where | limit | holds {select a from t where b = 1 limit 2}

explain delete from t
-- > explain: utility | writes t | no where | holds {delete from t}

explain analyze delete from t
-- > explain: write utility | writes t | no where | runs {delete from t}

explain analyse verbose delete from t where a
-- > explain: write utility | writes t | columns a | where | runs {delete from t where a}

explain (analyze) update t set a = 1
-- > explain: write utility | writes t | columns a | no where | runs {update t set a = 1}

explain (analyze false) update t set a = 1
-- > explain: utility | writes t | columns a | no where | holds {update t set a = 1}

explain (analyze off, verbose) update t set a = 1
-- > explain: utility | writes t | columns a | no where | holds {update t set a = 1}

explain (analyze off, analyze on) update t set a = 1
-- > explain: write utility | writes t | columns a | no where | runs {update t set a = 1}

explain (analyze on, analyze 0) update t set a = 1
-- > explain: utility | writes t | columns a | no where | holds {update t set a = 1}

explain (ANALYZE 1) update t set a = 1
-- > explain: write utility | writes t | columns a | no where | runs {update t set a = 1}

explain ("analyze" 'OFF') update t set a = 1
-- > explain: utility | writes t | columns a | no where | holds {update t set a = 1}

explain (analyze 'maybe') update t set a = 1
-- > explain: write utility | writes t | columns a | no where | runs {update t set a = 1}

explain (verbose, costs off) (select a from t)
-- > explain: utility | reads t | columns a | no where | holds {(select a from t)}

explain (select a from t)
-- > explain: utility | reads t | columns a | no where | holds {(select a from t)}

explain (((select a from t)))
-- > explain: utility | reads t | columns a | no where | holds {(((select a from t)))}

explain analyze create table n as select a from t
-- > explain: read write ddl utility | reads t | writes n | columns a | no where | runs {create table n as select a from t}

explain execute p (1)
-- > explain: utility unknown | unknown EXECUTE of an unknown prepared statement | holds {execute p (1)}

explain analyze execute p
-- > explain: execute utility unknown | unknown EXECUTE of an unknown prepared statement | runs {execute p}

explain declare c cursor for select a from t
-- > explain: utility | reads t | columns a | no where | holds {declare c cursor for select a from t}

explain (format json) with x as (select 1) select * from x
-- > explain: utility | columns * | holds {with x as (select 1) select * from x}

declare c cursor for select a from t where b = 1 limit 3
-- > declare: read session | reads t | columns a, b | where | limit | cursor c | runs {select a from t where b = 1 limit 3}

declare "C d" binary insensitive scroll cursor with hold for select a from t for update
-- > declare: read session | reads t | columns a | no where | cursor C d | runs {select a from t for update}

declare c no scroll cursor without hold for values (1)
-- > declare: read session | cursor c | runs {values (1)}

declare c cursor for select set_config('role', 'bob', false)
-- > declare: read privilege session | calls set_config | role bob | cursor c | runs {select set_config('role', 'bob', false)}

fetch c
-- > fetch: read unknown | cursor c | unknown FETCH from an unknown cursor

fetch next from c
-- > fetch: read unknown | cursor c | unknown FETCH from an unknown cursor

fetch forward 10 in c
-- > fetch: read unknown | cursor c | unknown FETCH from an unknown cursor

fetch all "C d"
-- > fetch: read unknown | cursor C d | unknown FETCH from an unknown cursor

move 10 c
-- > move: read | cursor c

move backward all from c
-- > move: read | cursor c

close c
-- > close: session | cursor c

close all
-- > close: session

call p(1, f(2))
-- > call: execute unknown | calls p, f | unknown body of procedure p

call s."P.q"()
-- > call: execute unknown | calls s."P.q" | unknown body of procedure s."P.q"

select a from t; update t set a = 1; drop table t
-- > select: read | reads t | columns a | no where
-- > update: write | writes t | columns a | no where
-- > drop: ddl | writes t

begin; insert into t (a) values (1); commit
-- > begin: transaction | transaction begin
-- > insert: write | writes t | columns a
-- > commit: transaction | transaction commit

SELECT set_config(name, 'view, foreign-table', false) FROM pg_settings WHERE name = 'restrict_nonsystem_relation_kind'
-- > select: read session | reads pg_settings | columns name | calls set_config | where

select set_config(name, 'bob', false) from pg_catalog.pg_settings where name = 'role' and true
-- > select: read privilege session | reads pg_catalog.pg_settings | columns name | calls set_config | where | role bob

select set_config(name, 'bob', false) from pg_settings where name = 'x' or name = 'role'
-- > select: read privilege session unknown | reads pg_settings | columns name | calls set_config | where | unknown a setting whose name is no constant

select set_config(name, 'bob', false) from s.pg_settings where name = 'x'
-- > select: read privilege session unknown | reads s.pg_settings | columns name | calls set_config | where | unknown a setting whose name is no constant

select set_config(name, 'bob', false) from pg_settings, t where name = 'x'
-- > select: read privilege session unknown | reads pg_settings, t | columns name | calls set_config | where | unknown a setting whose name is no constant

with pg_settings as (select 'role' as name) select set_config(name, 'bob', false) from pg_settings where name = 'x'
-- > select: read privilege session unknown | columns name | calls set_config | where | unknown a setting whose name is no constant

select (select set_config(name, 'bob', false) from t) from pg_settings where name = 'x'
-- > select: read privilege session unknown | reads t, pg_settings | columns name | calls set_config | where | unknown a setting whose name is no constant

select 1 from pg_settings where name = 'x' and set_config(name, 'bob', false) is null
-- > select: read privilege session unknown | reads pg_settings | columns name | calls set_config | where | unknown a setting whose name is no constant

select set_config(setting, 'bob', false) from pg_settings where name = 'x'
-- > select: read privilege session unknown | reads pg_settings | columns setting, name | calls set_config | where | unknown a setting whose name is no constant

select set_config('role', 'alice', false), set_config('role', 'bob', false)
-- > select: read privilege session unknown | calls set_config | role bob | unknown more than one role
