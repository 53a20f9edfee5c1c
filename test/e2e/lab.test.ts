// The lab itself: real clients and servers in a lab of this test's own, beside any other.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import t from 'tap';
import { labOf } from './lab.ts';

const { name, lab, labOk, ssh, cgroup } = labOf('labtest');

/** What a lab leaves on the machine, by kind: nothing, when it is down. */
function traces(): string[] {
  const found: string[] = [];
  if (existsSync(cgroup())) found.push('cgroup');
  if (existsSync(`/run/hopline-${name}`)) found.push('directory');
  if (readFileSync('/proc/mounts', 'utf8').includes(`hopline-${name}`)) found.push('mount');
  const namespaces = existsSync('/run/netns') ? readdirSync('/run/netns') : [];
  if (namespaces.some((namespace) => namespace.startsWith(`hl-${name}-`))) found.push('network namespace');
  for (const pid of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      // What pid 1 has not yet reaped is no longer a process.
      if (/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))) continue;
      if (readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(`/hopline-${name}/`))
        found.push(`process ${pid}`);
    } catch {
      // It ended while we looked.
    }
  }
  return found;
}

/** Every process of the lab, killed at once, as a crash of the machine's tools would leave it. */
function killAll(): number {
  let killed = 0;
  const scope = cgroup();
  for (const host of readdirSync(scope, { withFileTypes: true }).filter((entry) => entry.isDirectory())) {
    for (const pid of readFileSync(`${scope}/${host.name}/cgroup.procs`, 'utf8')
      .split('\n')
      .filter(Boolean)) {
      try {
        process.kill(Number(pid), 'SIGKILL');
        killed += 1;
      } catch {
        // It went with the one before it.
      }
    }
  }
  return killed;
}

if (process.getuid?.() !== 0) {
  t.plan(0, 'the lab makes namespaces and cgroups: run as root');
} else {
  t.setTimeout(1_200_000);
  t.before(async () => {
    await lab(['down']);
    await labOk(['up', '--no-daemon']);
  });
  t.teardown(() => lab(['down']));

  t.test('a login: output, input and exit status pass', async (t) => {
    const login = await ssh('alice@bastion1', 'hostname; id -un; cat; exit 7', 'from the laptop');
    t.same(login, { code: 7, out: 'bastion1\nalice\nfrom the laptop', err: '' });
  });

  t.test('the audit login id is set in a login, and unset outside of one', async (t) => {
    const read = 'cat /proc/self/loginuid; echo; cat /proc/self/sessionid';
    const [inside = '', session = ''] = (await ssh('bob@bastion2', read)).out.split('\n');
    t.equal(inside, '2002');
    t.not(session, '4294967295');
    t.equal((await lab(['exec', 'bastion2', '--', 'cat', '/proc/self/loginuid'])).out, '4294967295');
    t.equal((await ssh('alice@bastion1', 'sudo -n cat /proc/self/loginuid')).out, '2001', 'sudo keeps it');
  });

  t.test('processes are in the cgroup of their host', async (t) => {
    const { out } = await ssh('alice@bastion1', 'cat /proc/self/cgroup');
    t.match(out, `0::/hopline-${name}/bastion1\n`);
  });

  t.test('from a bastion: ssh, PostgreSQL, HTTP and names, on IPv4 and IPv6', async (t) => {
    const said = async (command: string) => (await ssh('alice@bastion1', command)).out.trim();
    t.equal(await said('ssh bastion2 ssh db1 hostname'), 'db1');
    t.equal(await said('ssh bob@bastion2 id -un'), 'bob');
    for (const address of ['10.77.0.20', 'fd77::20']) {
      t.equal(await said(`psql -h ${address} orders -Atc 'select count(*) from orders'`), '1000', address);
    }
    t.equal(await said('PGPASSWORD=orders-app psql -h db1 -U app orders -Atc "select 1"'), '1');
    t.not((await ssh('alice@bastion1', 'PGPASSWORD=wrong psql -h db1 -U app orders -c "select 1"')).code, 0);
    for (const family of ['-4', '-6']) {
      for (const url of ['http://web1/', 'https://web1/', 'https://api.lab/']) {
        t.equal(await said(`curl -s ${family} ${url}`), 'hello from web1', `${url} ${family}`);
      }
    }
    t.match(await said('getent ahosts intranet.lab'), /fd77::30[\s\S]*10\.77\.0\.30/);
  });

  t.test('an unknown host key is refused', async (t) => {
    const to = '-o HostKeyAlias=stranger';
    const { code, err } = await ssh('alice@bastion1', `ssh ${to} bastion2 true`);
    t.equal(code, 255);
    t.match(err, 'Host key verification failed');
  });

  t.test('a second up does nothing', async (t) => {
    // How many processes there are changes by itself: servers start some, and logins end.
    const status = async () => (await lab(['status'])).out.replaceAll(/\d+ processes/g, '');
    const before = await status();
    const again = await lab(['up', '--no-daemon']);
    t.equal(again.code, 0);
    t.equal(await status(), before);
  });

  t.test('up after everything was killed', async (t) => {
    t.ok(killAll() > 5);
    t.equal((await lab(['up', '--no-daemon'])).code, 0);
    t.equal((await ssh('alice@bastion1', 'echo back')).out, 'back\n');
  });

  t.test('down leaves nothing, also where a process went away from its login', async (t) => {
    await ssh('alice@bastion1', 'setsid sleep 1000 </dev/null >/dev/null 2>&1 & exit');
    t.ok(traces().length > 0);
    t.equal((await lab(['down'])).code, 0);
    t.same(traces(), []);
    t.equal((await lab(['down'])).code, 0, 'down of nothing is fine');
  });
}
