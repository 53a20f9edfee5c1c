// A person at a terminal: what they type is theirs, and what is refused is explained where they look.
import { type IPty, spawn } from 'node-pty';
import t, { type Test } from 'tap';
import { isHop, isLoginOf, reachedWeb } from './assertions.ts';
import {
  FAMILIES,
  type Family,
  hopline,
  labEnv,
  labScript,
  labUp,
  mark,
  PYTHON,
  SH,
  sshArgs,
  until,
  waitForHop,
  waitForLogin,
} from './support.ts';

t.before(labUp);
t.jobs = 4;

class Terminal {
  said = '';
  readonly #pty: IPty;

  constructor(t: Test, args: readonly string[]) {
    this.#pty = spawn(labScript, [...args], { cols: 200, env: labEnv });
    this.#pty.onData((text) => {
      this.said += text;
    });
    const ended = new Promise<void>((resolve) => this.#pty.onExit(() => resolve()));
    t.teardown(async () => {
      this.#pty.kill();
      await ended;
    });
  }

  type(line: string): void {
    this.#pty.write(`${line}\r`);
  }

  /** Types a line, and waits until what it starts asks for the next: what is typed too early is lost to a change of modes. */
  async enters(line: string, prompt: string): Promise<void> {
    this.type(line);
    await this.sees(new RegExp(`${line}\\r\\n[\\s\\S]*${prompt}$`));
  }

  async sees(pattern: RegExp): Promise<void> {
    await until(async () => (pattern.test(this.said) ? true : null), `${pattern}`).catch((error) => {
      throw new Error(`${error.message} in ${JSON.stringify(this.said)}`);
    });
  }
}

/** A login shell, asked who and where it is, at its next prompt. */
async function interactive(t: Test, family: Family): Promise<{ terminal: Terminal; tty: string }> {
  const terminal = new Terminal(t, sshArgs('alice', 'bastion1', '', { family, ssh: ['-tt'] }));
  terminal.type("echo on:$(tty):'here'");
  await terminal.sees(/on:\/dev\/pts\/\d+:here\r\n[\s\S]*:~\$ $/);
  return { terminal, tty: /on:(\/dev\/pts\/\d+):here/.exec(terminal.said)?.[1] ?? '' };
}

for (const family of FAMILIES) {
  t.test(`a login shell, ${family.name}`, { buffered: true }, async (t) => {
    const word = mark();
    const { terminal, tty } = await interactive(t, family);
    terminal.type(`curl -s ${family.url('web1', 80, word)}`);
    await terminal.sees(/404 Not Found/);
    const { login } = await reachedWeb(t, { host: 'bastion1', word, family }, ['bash', 'curl']);
    t.equal(login.tty, tty, 'its terminal');
    t.equal(login.ended, null, 'it goes on');
    terminal.type('exit');
    const over = await waitForLogin('bastion1', word, ({ ended }) => ended !== null);
    t.equal(over.lingering, false);
  });

  t.test(`a shell in an interpreter in a shell, ${family.name}`, { buffered: true }, async (t) => {
    const word = mark();
    const { terminal } = await interactive(t, family);
    await terminal.enters('bash', ':~\\$ ');
    await terminal.enters('exec sh', '\\$ ');
    await terminal.enters('python3', '>>> ');
    terminal.type(`import os; os.system("curl -s ${family.url('web1', 80, word)}; :")`);
    await terminal.sees(/404 Not Found/);
    // `exec` replaces a program: its predecessor is still what it came by.
    await reachedWeb(t, { host: 'bastion1', word, family }, ['bash', 'bash', SH, PYTHON, SH, 'curl']);
  });

  t.test(`a refusal is explained on the terminal, at once, ${family.name}`, { buffered: true }, async (t) => {
    const word = mark();
    const { terminal, tty } = await interactive(t, family);
    terminal.type(`curl -s --max-time 9 ${family.url('vault', 8200, word)}; echo "code:$?:"`);
    await terminal.sees(/code:\d+:/);
    t.match(terminal.said, /code:(?:7|56):/, 'refused or reset, not timed out');
    await terminal.sees(/hopline: vault:8200 refused: .*The vault is not for people\.[\s\S]*\(policy \S+\)/);
    t.match(terminal.said, 'Ask the security team', 'what to do next');
    t.match(terminal.said, '(policy vault-is-closed)', 'and which policy it is');
    t.notMatch(terminal.said, 'the vault is open');
    const found = await waitForHop('bastion1', word, ({ ended }) => ended !== null);
    isLoginOf(t, found.login, { user: 'alice', client: family.address('laptop') });
    t.equal(found.login.tty, tty);
    isHop(t, found, {
      chain: ['bash', 'curl'],
      address: family.address('vault'),
      port: 8200,
      target: 'vault',
      outcome: 'deny',
      mode: 'denied',
    });
    t.match(found.hop.decision, { policies: ['vault-is-closed'], observed: false, errors: [] });
    t.match(found.hop.decision.reason, 'The vault is not for people');
    t.ok(found.hop.ended, 'it is over');
    const { out } = await hopline('bastion1', ['tree', found.login.id]);
    t.match(out, /vault/, 'the tree shows it');
    t.match(out, /vault-is-closed|not for people/, 'with the reason');
  });

  t.test(`only the terminal of the login is written to, ${family.name}`, { buffered: true }, async (t) => {
    const word = mark();
    const { terminal: other } = await interactive(t, family);
    const { terminal } = await interactive(t, family);
    terminal.type(`curl -s ${family.url('vault', 8200, word)}; echo "code:$?:"`);
    await terminal.sees(/hopline: vault:8200 refused/);
    other.type("echo se''en");
    await other.sees(/seen/);
    t.notMatch(other.said, 'hopline:');
  });
}
