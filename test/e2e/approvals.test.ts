// Statements that wait for a person's yes: asked, answered from another account, withdrawn, out of time.
import { join } from 'node:path';
import t from 'tap';
import type { ActionJson, ApprovalJson } from '../../src/api/json.ts';
import { isHop, isLoginOf } from './assertions.ts';
import { labOf, REPO } from './lab.ts';
import {
  type Bastion,
  exclusively,
  FAMILIES,
  type Family,
  hopline,
  IPV4,
  labName,
  labUp,
  mark,
  PYTHON,
  programs,
  service,
  ssh,
  sshArgs,
  start,
  until,
  waitForHop,
} from './support.ts';

t.before(labUp);
t.jobs = 4;

/** The hopline command as somebody who is logged in to the bastion runs it. */
const COMMAND = `${process.execPath} --disable-warning=ExperimentalWarning ${join(REPO, 'src/hopline.ts')} --no-color`;
const SCRIPT = `bash ${programs}/migrate.sh`;

/** A table of alice's, which goes when the test does. */
async function table(name: string): Promise<void> {
  const sql = `create table ${name} (n int); insert into ${name} values (1); alter table ${name} owner to alice`;
  const { code, err } = await service('db1', `psql -Xqc "${sql}" orders`, 'postgres');
  if (code !== 0) throw new Error(err);
}

async function isThere(name: string): Promise<boolean> {
  const { out } = await service('db1', `psql -XAtc "select to_regclass('${name}')" orders`, 'postgres');
  return out === `${name}\n`;
}

const conninfo = (family: Family, word: string) =>
  `"host=${family.address('db1')} user=alice dbname=orders application_name=${word}"`;

async function approvals(host: Bastion = 'bastion1'): Promise<ApprovalJson[]> {
  const { out, err, code } = await hopline(host, ['approvals', '--all', '--json']);
  if (code !== 0) throw new Error(err);
  return JSON.parse(out);
}

/** The request that is about this word. */
const asked = (word: string, host?: Bastion): Promise<ApprovalJson> =>
  until(
    async () => (await approvals(host)).find(({ subject }) => subject.includes(word)),
    `an approval of ${word}`,
  );

const answered = (number: number, host?: Bastion): Promise<ApprovalJson> =>
  until(
    async () => (await approvals(host)).find(({ id, answer }) => id === number && answer !== null),
    `an answer to ${number}`,
  );

async function actionOf(hop: string, word: string): Promise<ActionJson> {
  return until(async () => {
    const { out } = await hopline('bastion1', ['actions', '--hop', hop, '--json']);
    return (JSON.parse(out) as ActionJson[]).find(
      ({ subject, ended }) => subject.includes(word) && ended !== null,
    );
  }, `the action of ${word}`);
}

for (const family of FAMILIES) {
  t.test(`a drop three programs below a login, ${family.name}`, { buffered: true }, async (t) => {
    const word = mark();
    await table(word);
    const watching = start(t, ['hopline', 'bastion1', '--', 'watch', '--json']);
    await watching.until(/watching/);
    const dropped = ssh(
      'alice',
      'bastion1',
      `${SCRIPT} ${conninfo(family, word)} 'drop table ${word}' 'select 7'; exit $?`,
      { family },
    );
    const request = await asked(word);
    t.match(request, {
      requester: 'alice',
      user: 'alice',
      target: 'orders-db',
      kind: 'query',
      subject: `drop ${word}`,
      detail: { statement: `drop table ${word}`, database: 'orders' },
      asks: [{ policy: 'drops-are-held', group: 'dba', message: 'Say which ticket wants the table gone.' }],
      chain: ['bash', 'bash migrate.sh', `${PYTHON} migrate.py`, 'perl psql', 'psql'],
      answer: null,
    });
    const { id } = request;
    t.ok(Date.parse(request.expires) - Date.parse(request.at) === 15 * 60_000);
    t.equal(await isThere(word), true, 'nothing of it has reached the server');
    const { out: listed } = await hopline('bastion1', ['approvals']);
    t.match(listed, new RegExp(`^${id} {2}.*alice.*orders-db  drop ${word}  waits, `, 'm'));

    const own = await ssh('alice', 'bastion1', `sudo ${COMMAND} approve ${id}`, { family });
    t.match(own, { code: 1, err: new RegExp(`hopline: ${id} is your own: somebody else has to answer it`) });
    const nobody = await hopline('bastion1', ['approve', String(id)]);
    t.match(nobody, { code: 1, err: /this process descends from no login/ });
    t.equal(
      (await ssh('alice', 'bastion1', `${COMMAND} approve ${id}`)).code,
      3,
      'the socket is not for her',
    );

    const yes = await ssh('bob', 'bastion1', `: ${word}b; ${COMMAND} approve ${id} --reason 'OPS-1234'`, {
      family,
    });
    t.equal(yes.code, 0, yes.err);
    t.match(yes.out, /approved by bob .*: OPS-1234/);
    const said = await dropped;
    t.equal(said.code, 0);
    t.equal(said.out, '7\n', 'the session goes on');
    t.match(
      said.err,
      new RegExp(
        `NOTICE: {2}Hopline: held for approval ${id}: drop on orders-db for alice needs approval by dba \\(drops-are-held\\): Say which ticket wants the table gone\\.; hopline approve ${id}\n`,
      ),
    );
    t.match(said.err, /HINT: {2}It waits 15 min for a member of dba to answer\./);
    t.equal(await isThere(word), false);

    const found = await waitForHop('bastion1', word, ({ ended }) => ended !== null);
    isLoginOf(t, found.login, { user: 'alice', client: family.address('laptop') });
    isHop(t, found, {
      chain: request.chain,
      address: family.address('db1'),
      port: 5432,
      target: 'orders-db',
      protocol: 'postgres',
    });
    t.match([request.login, request.hop], [found.login.id, found.hop.id]);
    const action = await actionOf(found.hop.id, word);
    t.match(action, {
      login: found.login.id,
      detail: { statement: `drop table ${word}` },
      decision: {
        outcome: 'allow',
        policies: ['engineers-query'],
        reason: new RegExp(`; approval ${id} was given by bob: OPS-1234$`),
      },
      result: { tag: 'DROP TABLE' },
      approvals: [{ id, outcome: 'approved', by: 'bob', reason: 'OPS-1234' }],
    });
    const { answer } = await answered(id);
    t.match(answer, { outcome: 'approved', by: 'bob', uid: 2002, reason: 'OPS-1234' });
    t.match(answer?.login, /^[0-9A-HJKMNP-TV-Z]{12}$/);
    t.not(answer?.login, found.login.id);
    await watching.until(new RegExp(`"type":"approval","record":{"id":${id},`));
    await watching.until(new RegExp(`"type":"approval-answer","record":{"id":${id},`));
    t.match(await ssh('bob', 'bastion1', `${COMMAND} deny ${id} --reason late`), {
      code: 1,
      err: new RegExp(`${id} waits for no answer any more`),
    });
  });
}

t.test('a command on another host', { buffered: true }, async (t) => {
  const word = mark();
  const file = `/tmp/${word}`;
  const size = async () => (await service('db1', `stat -c %s ${file}`)).out;
  await service('db1', `echo ${word} >${file}; chown alice ${file}`);
  const command = `truncate -s 0 ${file}`;
  const running = ssh('alice', 'bastion1', `ssh alice@db1 ${command}`);
  const request = await asked(word);
  t.match(request, {
    ...{ requester: 'alice', target: 'db1-ssh', kind: 'exec', subject: command, chain: ['bash', 'ssh'] },
    detail: { command, account: 'alice' },
    asks: [{ policy: 'truncations-are-held', group: 'dba' }],
  });
  t.equal(await size(), '14\n', 'the host has not heard of it');
  const { id } = request;
  t.match(await ssh('bob', 'bastion1', `${COMMAND} deny ${id} --reason 'not today'`), { code: 0 });
  t.match(await running, {
    code: 126,
    err: new RegExp(`Hopline: held for approval ${id}: truncate on db1-ssh for alice needs approval by dba`),
  });
  t.equal(await size(), '14\n');

  const later = mark();
  const again = ssh('alice', 'bastion1', `: ${later}; ssh alice@db1 ${command}; echo code $?`);
  const { id: second } = await until(
    async () => (await approvals()).find(({ subject, answer }) => subject === command && answer === null),
    'the second question',
  );
  t.match(await ssh('bob', 'bastion1', `${COMMAND} approve ${second} --reason OPS-7`), { code: 0 });
  t.match(await again, { out: 'code 0\n' });
  t.equal(await size(), '0\n');
  const { hop } = await waitForHop('bastion1', later, ({ ended }) => ended !== null);
  t.match(await actionOf(hop.id, word), {
    decision: { outcome: 'allow', reason: new RegExp(`; approval ${second} was given by bob: OPS-7$`) },
    result: { exitStatus: 0 },
    approvals: [{ id: second, outcome: 'approved', by: 'bob' }],
  });
});

t.test('denied: the session goes on', { buffered: true }, async (t) => {
  const word = mark();
  await table(word);
  const dropped = ssh(
    'alice',
    'bastion1',
    `${SCRIPT} ${conninfo(IPV4, word)} 'drop table ${word}' 'select 7'`,
  );
  const { id } = await asked(word);
  t.equal((await ssh('bob', 'bastion1', `${COMMAND} deny ${id} --reason 'not on a Friday'`)).code, 0);
  const { out, err } = await dropped;
  t.equal(out, '7\n');
  t.match(err, new RegExp(`ERROR: {2}Hopline: approval ${id} was denied by bob: not on a Friday \\(drop on`));
  t.match(err, /HINT: {2}Policy drops-are-held\./);
  t.equal(await isThere(word), true);
  const { hop } = await waitForHop('bastion1', word);
  t.match(await actionOf(hop.id, word), {
    decision: { outcome: 'deny', policies: ['drops-are-held'] },
    approvals: [{ id, outcome: 'denied', by: 'bob' }],
  });
});

t.test('out of time', { buffered: true }, async (t) => {
  const word = mark();
  await table(word);
  const { out, err } = await ssh(
    'alice',
    'bastion1',
    `${SCRIPT} ${conninfo(IPV4, word)} 'truncate ${word}' 'select count(*) from ${word}'`,
  );
  t.match(err, /ERROR: {2}Hopline: approval \d+ ran out: nobody answered within 2 s/);
  t.equal(out, '1\n');
  t.match((await asked(word)).answer, { outcome: 'expired', by: null, reason: 'nobody answered within 2 s' });
});

t.test('Ctrl-C withdraws it, and psql goes on', { buffered: true }, async (t) => {
  const word = mark();
  await table(word);
  const session = start(
    t,
    sshArgs('alice', 'bastion1', `psql -XAt ${conninfo(IPV4, word)}`, { ssh: ['-tt'] }),
  );
  await session.until(/orders=> /);
  session.write(`begin; drop table ${word};\n`);
  const { id } = await asked(word);
  await session.until(/held for approval/);
  session.write('\x03');
  await session.until(/ERROR: {2}canceling statement due to user request/);
  const request = await answered(id);
  t.match(request.answer, { outcome: 'withdrawn', by: null, reason: 'the client cancelled it' });
  session.write('select 7;\n');
  await session.until(/current transaction is aborted/);
  session.write('rollback; select 40 + 2;\n');
  await session.until(/^42\s*$/m);
  t.equal(await isThere(word), true);
  t.match(await actionOf(request.hop, word), {
    decision: { outcome: 'deny' },
    result: { error: { code: '57014' } },
    approvals: [{ id, outcome: 'withdrawn' }],
  });
});

t.test('who goes away withdraws it', { buffered: true }, async (t) => {
  const word = mark();
  await table(word);
  const session = start(
    t,
    sshArgs('alice', 'bastion1', `${SCRIPT} ${conninfo(IPV4, word)} 'drop table ${word}'`, { ssh: ['-tt'] }),
  );
  const { id } = await asked(word);
  await session.until(/held for approval/);
  await session.stop();
  const { answer, hop } = await answered(id);
  t.match(answer, { outcome: 'withdrawn', by: null, reason: /client/ });
  t.equal(await isThere(word), true);
  const found = await waitForHop('bastion1', word, ({ ended }) => ended !== null);
  t.equal(found.hop.id, hop);
  t.match(await ssh('bob', 'bastion1', `${COMMAND} approve ${id}`), { code: 1 });
});

t.test('a driver, with parameters', { buffered: true }, async (t) => {
  const word = mark();
  await service(
    'db1',
    `psql -Xqc "create table if not exists ledger (n int, word text); alter table ledger owner to alice" orders`,
    'postgres',
  );
  const node = `${process.execPath} --disable-warning=ExperimentalWarning`;
  const run = (statement: string, ...values: string[]) =>
    ssh(
      'alice',
      'bastion1',
      `${node} ${programs}/bound.ts ${IPV4.address('db1')} '${statement}' ${values.join(' ')}`,
    );
  const ofMine = () =>
    until(
      async () =>
        (await approvals()).find(
          ({ detail, answer }) => answer === null && JSON.stringify(detail.parameters)?.includes(word),
        ),
      'an approval with parameters',
    );
  for (const outcome of ['approve', 'deny --reason no'] as const) {
    const inserted = run('insert into ledger values ($1, $2)', '7', word);
    const request = await ofMine();
    t.match(request, {
      detail: { statement: 'insert into ledger values ($1, $2)', parameters: ['7', word] },
      asks: [{ policy: 'ledger-is-held', group: null }],
    });
    const { out: listed } = await hopline('bastion1', ['approvals']);
    t.match(listed, new RegExp(`\\$1 = "7"\n {4}\\$2 = "${word}"`));
    t.equal(
      (await ssh('bob', 'bastion1', `${COMMAND} ${outcome.replace(/(\w+)(.*)/, `$1 ${request.id}$2`)}`)).code,
      0,
    );
    const { out, err } = await inserted;
    t.match(
      err,
      new RegExp(
        `NOTICE: Hopline: held for approval ${request.id}: insert on orders-db for alice needs approval by another person`,
      ),
    );
    t.match(out, outcome === 'approve' ? /^rows 1\n/ : /^42501 Hopline: approval \d+ was denied by bob: no/);
  }
  const { out } = await service(
    'db1',
    `psql -XAtc "select count(*) from ledger where word = '${word}'" orders`,
    'postgres',
  );
  t.equal(out, '1\n');
});

t.test('a daemon that is killed leaves nothing open', { buffered: true }, async (t) => {
  await exclusively('bastion2', async () => {
    const { labOk } = labOf(labName);
    const word = mark();
    await table(word);
    const dropped = ssh('alice', 'bastion2', `${SCRIPT} ${conninfo(IPV4, word)} 'drop table ${word}'`);
    const { id } = await asked(word, 'bastion2');
    await labOk(['daemon', 'bastion2', 'kill']);
    t.match(await dropped, { code: 2, err: /server closed the connection unexpectedly|Connection reset/ });
    await labOk(['daemon', 'bastion2', 'start']);
    t.match((await answered(id, 'bastion2')).answer, {
      outcome: 'withdrawn',
      by: null,
      reason: 'the daemon ended before it was answered',
    });
    t.equal(await isThere(word), true);
    const again = ssh('alice', 'bastion2', `${SCRIPT} ${conninfo(IPV4, word)} 'drop table ${word}'`);
    const next = await until(
      async () =>
        (await approvals('bastion2')).find(
          ({ subject, answer }) => subject.includes(word) && answer === null,
        ),
      'the next',
    );
    t.ok(next.id > id, 'numbers are given once');
    await labOk(['daemon', 'bastion2', 'restart']);
    t.match((await answered(next.id, 'bastion2')).answer, { outcome: 'withdrawn', by: null });
    await again;
  });
});
