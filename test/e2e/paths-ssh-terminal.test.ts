/**
 * What a person does with ssh itself while it runs on their terminal (ESCAPE CHARACTERS of ssh(1)), and what is told when a
 * host stops answering: the same on the laptop, which has no Hopline, and on bastion1.
 */
import t, { type Test } from 'tap';
import { ClientTerminal } from './client-terminal.ts';
import { actionsOf } from './ssh-record.ts';
import { labUp, mark, start, waitForHop } from './support.ts';

t.before(labUp);
t.setTimeout(1_200_000);

const LAPTOP = ['exec', 'laptop', '--user', 'alice', '--', 'bash', '--norc'];
const BASTION = ['ssh', 'alice@10.77.0.11', '-tt', '-e', 'none', '--', 'bash', '--norc'];
/** At the beginning of a line, when what the host had to show is there. */
const ESCAPE = '~';

/** What is typed, and what has come when it is done. */
const steps = (word: string, port: number): readonly (readonly [string, RegExp])[] => [
  [`ssh -tt -o EnableEscapeCommandline=yes db1 ': ${word}; PS1=R: exec bash --norc'\r`, /R:$/],
  [`${ESCAPE}?`, /after newline\.\)\s+$/],
  [`${ESCAPE}#`, /#0 client-session [^\n]*\n$/],
  [`${ESCAPE}R`, /^/],
  ['echo $((6*7))-again\r', /42-again\s[\s\S]*R:$/],
  [`${ESCAPE}B`, /~B\s+$/],
  [`${ESCAPE}C`, /ssh> $/],
  [`-R ${port}:web1:80\r`, /Forwarding port\.\s+$/],
  [`curl -sS http://127.0.0.1:${port}/; echo code $?\r`, /code \d+\s[\s\S]*R:$/],
  [`${ESCAPE}C`, /ssh> $/],
  [`-KR${port}\r`, /Canceled forwarding\.\s+$/],
  [`curl -sS http://127.0.0.1:${port}/; echo code $?\r`, /code \d+\s[\s\S]*R:$/],
  [`${ESCAPE}C`, /ssh> $/],
  [`-L ${port}:web1:80\r`, /Forwarding port\.\s+$/],
  [`${ESCAPE}\x1a`, /Stopped[\s\S]*P: $/],
  ['fg\r', /fg\s[\s\S]*bash --norc.\s+$/],
  ['\r', /R:$/],
  ['echo back-$((6*7))\r', /back-42\s[\s\S]*R:$/],
  [`${ESCAPE}C`, /ssh> $/],
  [`-KL${port}\r`, /Canceled forwarding\.\s+$/],
  [`${ESCAPE}v`, /LogLevel VERBOSE\]\s+$/],
  [`${ESCAPE}V`, /LogLevel INFO\]\s+$/],
  [`${ESCAPE}.`, /Connection to db1 closed\.[\s\S]*P: $/],
  ['echo "code $?"\r', /code \d+\s[\s\S]*P: $/],
];

/** @returns what each step showed */
async function typed(t: Test, args: readonly string[], word: string, port: number): Promise<string[]> {
  const terminal = new ClientTerminal(t, args);
  await terminal.sees(/\$ $/);
  await terminal.types("PS1='P: '; cd\r", /P: $/);
  const shown: string[] = [];
  for (const [text, pattern] of steps(word, port)) {
    if (text.startsWith(ESCAPE)) await terminal.types('\r', /R:$/);
    const from = terminal.said.length;
    await terminal.types(text, pattern);
    shown.push(terminal.said.slice(from));
  }
  return shown;
}

const plain = (text: string, word: string, port: number) =>
  text.replaceAll(word, 'W').replaceAll(String(port), 'PORT');

t.test('escape characters', async (t) => {
  const [there, here] = [mark(), mark()];
  const alone = await typed(t, LAPTOP, there, 21_701);
  const shown = await typed(t, BASTION, here, 21_702);
  for (const [at, [text]] of steps('W', 0).entries())
    t.equal(
      plain(shown[at] ?? '', here, 21_702),
      plain(alone[at] ?? '', there, 21_701),
      JSON.stringify(text),
    );
  t.match(shown[8], /hello from web1\s+code 0/);
  t.match(shown.at(-1), /code 255/);
  const { hop } = await waitForHop(
    'bastion1',
    here,
    ({ ended, target }) => ended !== null && target === 'db1-ssh',
  );
  t.match(hop, { endReason: null });
  t.match(
    (await actionsOf(hop.id)).map(({ kind, subject, result }) => [kind, subject.replace(here, 'W'), result]),
    [
      ['exec', ': W; PS1=R: exec bash --norc', { error: 'the connection ended first' }],
      ['forward', 'remote tcp localhost:21702', {}],
      ['forward', 'remote tcp localhost:21702', { bytesDown: Number }],
    ],
  );
});

t.test('a host that stops answering', async (t) => {
  const options = '-o ServerAliveInterval=1 -o ServerAliveCountMax=2';
  const asleep = async (args: (command: string) => readonly string[], word: string) => {
    const one = start(t, args(`ssh ${options} db1 ': ${word}; echo at $PPID.; sleep 60' 2>&1; echo code $?`));
    await one.until(/at \d+\./);
    const pid = Number(/at (\d+)\./.exec(one.said())?.[1]);
    process.kill(pid, 'SIGSTOP');
    t.teardown(() => process.kill(pid, 'SIGKILL'));
    await one.until(/code \d+/);
    return one
      .said()
      .replace(/at \d+\./, '')
      .replaceAll('\r', '');
  };
  const [there, here] = [mark(), mark()];
  const alone = await asleep(
    (command) => ['exec', 'laptop', '--user', 'alice', '--', 'bash', '-c', command],
    there,
  );
  const said = await asleep((command) => ['ssh', 'alice@10.77.0.11', '--', command], here);
  t.equal(said, alone);
  t.match(said, /Timeout, server db1 not responding\.\ncode 255/);
  const { hop } = await waitForHop('bastion1', here, ({ ended }) => ended !== null);
  t.match(await actionsOf(hop.id), [{ kind: 'exec', result: { error: 'the connection ended first' } }]);
});
