import type { ActionJson } from '../../api/json.ts';
import { printable } from '../../core/text.ts';
import type { Outcome } from '../../core/types.ts';
import type { Context } from '../context.ts';
import { chain } from '../describe.ts';
import { EXIT } from '../exit.ts';
import { clock } from '../format.ts';
import { resultWords } from '../result-words.ts';
import { numberOption, sinceOption, textOption } from '../since.ts';
import type { Style } from '../style.ts';

type Options = Readonly<Record<string, unknown>>;

const SHOWN = 160;
/** What the daemon lists where it is not told how many. */
const PAGE = 1000;

export async function actions(context: Context, options: Options): Promise<number> {
  const { style } = context;
  const params = {
    hop: textOption(options.hop),
    login: textOption(options.login),
    user: textOption(options.user),
    target: textOption(options.target),
    since: sinceOption(options.since, style.now),
    until: sinceOption(options.until, style.now, '--until'),
    before: textOption(options.before),
    kind: textOption(options.kind),
    text: textOption(options.text),
    outcome: options.denied === true ? ('deny' as const) : outcomeOption(options.outcome),
    limit: numberOption(options.limit) ?? PAGE,
  };
  const found = await context.ask((client) => client.call('actions', params));
  if (context.json) {
    context.printJson(found);
    return EXIT.ok;
  }
  context.print(found.length > 0 ? found.map((action) => actionLine(action, style)) : 'no such actions');
  const last = found.at(-1);
  if (last !== undefined && found.length === params.limit)
    context.note(`there may be more: --before ${last.hop}#${last.seq}`);
  return EXIT.ok;
}

/** Commander has held it against the choices. */
function outcomeOption(value: unknown): Outcome | undefined {
  return value as Outcome | undefined;
}

function actionLine(action: ActionJson, style: Style): string {
  const { colors } = style;
  const { hop, seq, login, target, detail, subject, at } = action;
  const statement = typeof detail.statement === 'string' ? detail.statement : subject;
  const text = printable(statement.replace(/\s+/g, ' ').trim());
  return [
    clock(at, style.now),
    colors.cyan(`${hop}#${seq}`),
    login === null ? colors.yellow('unattributed') : `[L ${login}]`,
    colors.bold(target ?? '-'),
    decidedOf(action, style),
    text.length <= SHOWN ? text : `${text.slice(0, SHOWN - 1).toWellFormed()}…`,
    colors.dim(chain(action.chain, style)),
  ].join('  ');
}

function decidedOf(action: ActionJson, { colors }: Style): string {
  const { outcome, observed } = action.decision;
  const [last] = action.approvals.slice(-1);
  const by = last === undefined ? '' : ` (${last.id}${last.by === null ? '' : ` ${printable(last.by)}`})`;
  if (outcome === 'allow') return `${resultOf(action)}${by}`;
  if (outcome === 'approve' && !observed && action.result === null) return colors.yellow(`held${by}`);
  return colors.red(`${observed ? 'observed' : 'denied'}${by}`);
}

/** Rows, what came of it, and time; of what failed, what the server said. */
function resultOf({ result }: ActionJson): string {
  if (result === null) return '…';
  const { rows, milliseconds, error, tag, ...rest } = result;
  if (error !== undefined) return resultWords({ ...rest, error }, false).join(' ');
  const count = typeof rows === 'number' ? [`${rows} ${rows === 1 ? 'row' : 'rows'}`] : [];
  const time = typeof milliseconds === 'number' ? [`${milliseconds.toFixed(1)} ms`] : [];
  return [...count, ...resultWords(rest, false), ...time].join(' ');
}
