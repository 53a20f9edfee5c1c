import { isUtf8 } from 'node:buffer';
import type { ControlClient } from '../../api/client.ts';
import type { ActionJson, HopJson, LoginJson, RecordingJson } from '../../api/json.ts';
import { rfc3339 } from '../../api/json.ts';
import { ControlError } from '../../api/protocol.ts';
import { printable } from '../../core/text.ts';
import { type Replayed, TERMINAL } from '../../recording/replay.ts';
import type { Context } from '../context.ts';
import { chain, hopLine, loginLine } from '../describe.ts';
import { EXIT, UsageError } from '../exit.ts';
import { clock } from '../format.ts';
import { actionsOf, replay } from '../play/fetch.ts';
import { Pace } from '../play/pace.ts';
import { Screen } from '../play/screen.ts';
import { cast, search } from '../play/terminals.ts';
import { type Reel, type Step, timeline } from '../play/timeline.ts';

type Options = Readonly<Record<string, unknown>>;

/** Columns of the terminal for one value, where not all is asked for. */
const WIDTH = 60;
const IDLE_S = 2;

/** Exit code 1 where a recording is not what was recorded. */
export async function play(
  context: Context,
  options: Options,
  [what = '']: readonly string[],
): Promise<number> {
  // Checked before anything is asked for.
  paceOf(options, false);
  return context.ask(async (client) => {
    const { subject, recordings } = await find(client, what);
    const actions = () => (subject.type === 'hop' ? actionsOf(client, subject.hop.id) : none());
    const reels: Reel[] = [];
    const unknown: RecordingJson[] = [];
    const follow = options.follow === true;
    for (const recording of recordings) {
      const replayer = await context.wiring.replayer(recording.kind);
      if (replayer === null) unknown.push(recording);
      else reels.push({ recording, events: replay(client, recording, replayer, follow) });
    }
    if (typeof options.search === 'string') return search(context, options.search, reels);
    if (options.cast === true) return cast(context, options, actions(), reels);
    const drawn = context.write !== null && !follow && recordings.some(({ kind }) => kind === TERMINAL);
    const pace = paceOf(options, drawn);
    const show = context.json ? json(context) : screen(context, options, reels.length);
    show.begin(subject, recordings);
    let sound = true;
    for await (const step of timeline(actions(), reels)) {
      const at = timeOf(step);
      if (at !== null) await pace.until(at);
      if (step.type === 'recording' && step.found.damage !== null) sound = false;
      show.step(step);
    }
    show.end();
    for (const { id, kind } of unknown)
      context.note(`recording ${id} is of the kind "${printable(kind)}", which is not played here`);
    return sound ? EXIT.ok : EXIT.no;
  });
}

/** Of what the recordings are that are played. */
type Subject =
  | { readonly type: 'hop'; readonly hop: HopJson }
  | { readonly type: 'login'; readonly login: LoginJson };

/** @param what a hop or a login, or a recording of one */
async function find(
  client: ControlClient,
  what: string,
): Promise<{ subject: Subject; recordings: RecordingJson[] }> {
  const [, ref = what, number] = /^((?:login:|hop:)?\w+)-(\d+)$/.exec(what) ?? [];
  const subject = await subjectOf(client, ref, number !== undefined);
  const id = subject.type === 'hop' ? subject.hop.id : subject.login.id;
  const all = [...(await client.call('recordings', { [subject.type]: id }))].reverse();
  // A login's list has those of its hops, too.
  const own = subject.type === 'hop' ? all : all.filter(({ hop }) => hop === null);
  const recordings = number === undefined ? own : own.filter((one) => one.id === `${id}-${number}`);
  if (number !== undefined && recordings.length === 0)
    throw new ControlError('not_found', `no recording ${what}`);
  return { subject, recordings };
}

/** A hop comes first: most recordings are of one. */
async function subjectOf(client: ControlClient, ref: string, recording: boolean): Promise<Subject> {
  const [, kind, rest = ref] = /^(login|hop):(.*)$/.exec(ref) ?? [];
  if (kind !== 'login')
    try {
      const [hop] = await client.call('hops', { hop: rest });
      if (hop !== undefined) return { type: 'hop', hop };
    } catch (error) {
      if (kind === 'hop' || !(error instanceof ControlError) || error.code !== 'not_found') throw error;
    }
  try {
    const { logins } = await client.call('tree', { login: rest });
    const [login] = logins;
    if (login !== undefined) {
      const { processes: _, hops: __, handoffs: ___, recordings: ____, ...own } = login;
      return { type: 'login', login: own };
    }
  } catch (error) {
    if (kind === 'login' || !(error instanceof ControlError) || error.code !== 'not_found') throw error;
  }
  throw new ControlError('not_found', `no ${recording ? 'recording' : 'hop or login'} "${ref}"`);
}

/** A login does nothing by itself. */
async function* none(): AsyncGenerator<ActionJson, void> {}

interface Show {
  begin(subject: Subject, recordings: readonly RecordingJson[]): void;
  step(step: Step): void;
  end(): void;
}

function json(context: Context): Show {
  return {
    begin: (subject, recordings) =>
      context.printJson(
        subject.type === 'hop'
          ? { type: 'hop', ...subject.hop, recordings }
          : { type: 'login', ...subject.login, recordings },
      ),
    step: (step) => {
      if (step.type === 'statement') context.printJson({ type: 'statement', ...step.action });
      else if (step.type === 'recording') {
        const { recording, found } = step;
        context.printJson({ type: 'recording', ...recording, ...found });
      } else context.printJson({ ...printed(step), at: rfc3339(step.at) });
    },
    end: () => {},
  };
}

/** Bytes as text where they are some. */
function printed(event: Replayed): object {
  if (!('bytes' in event)) return event;
  const { bytes, ...rest } = event;
  return isUtf8(bytes)
    ? { ...rest, text: bytes.toString('utf8') }
    : { ...rest, base64: bytes.toString('base64') };
}

function screen(context: Context, options: Options, reels: number): Show {
  const { style } = context;
  const shown = new Screen({
    style,
    reels,
    width: options.full === true ? null : typeof options.width === 'number' ? options.width : WIDTH,
    write: context.write,
    print: (lines) => context.print(lines),
  });
  return {
    begin(subject, recordings) {
      if (subject.type === 'login') {
        context.print(loginLine(subject.login, style));
        if (recordings.length === 0)
          context.note(
            'of this login itself nothing is recorded: see hopline shell --help, and recording.terminals',
          );
        return;
      }
      const { hop } = subject;
      const who = hop.login === null ? style.colors.yellow('unattributed') : `[L ${hop.login}]`;
      context.print([
        `${clock(hop.started, style.now)}  ${who}  ${hopLine(hop, style)}`,
        style.colors.dim(chain(hop.chain, style)),
      ]);
      if (hop.actions === 0 && recordings.length === 0)
        context.note('of this hop nothing is recorded but the connection');
      else if (recordings.length === 0)
        context.note(
          hop.protocol === 'ssh'
            ? 'its terminals were not recorded: @record on a permit of shell or exec, or recording.terminals'
            : 'the rows of its results were not recorded: @record on a permit of query, or recording.rows',
        );
    },
    step(step) {
      if (step.type === 'statement') shown.statement(step.action);
      else if (step.type === 'recording') shown.recording(step.recording, step.found);
      else shown.replayed(step);
    },
    end: () => shown.end(),
  };
}

/** When it happened, of what one waits for. Milliseconds. */
function timeOf(step: Step): number | null {
  if (step.type === 'statement') return Date.parse(step.action.at);
  return step.type === 'recording' || step.type === 'row' ? null : step.at / 1000;
}

/** @param drawn what a terminal showed is drawn again, at its own speed */
function paceOf({ speed, skipIdle }: Options, drawn: boolean): Pace {
  const seconds = skipIdle === true ? IDLE_S : typeof skipIdle === 'string' ? Number(skipIdle) : null;
  if (seconds !== null && !(seconds >= 0))
    throw new UsageError('--skip-idle: a number of seconds, such as 2');
  const idleMs = seconds === null ? null : seconds * 1000;
  // Whoever wants pauses to be shorter wants them at all.
  const usual = idleMs === null && !drawn ? null : 1;
  const times = typeof speed === 'string' ? Number(speed.replace(/x$/, '')) : usual;
  if (times !== null && !(times > 0 && times <= 1000))
    throw new UsageError('--speed: a number above 0, such as 1 or 10');
  return new Pace({ speed: times, idleMs });
}
