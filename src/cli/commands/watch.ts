import type { WatchEvent } from '../../api/protocol.ts';
import { fit, printable } from '../../core/text.ts';
import type { Context } from '../context.ts';
import { chain, handoffLine, hopLine, loginLine, processLabel, processMarks } from '../describe.ts';
import { approvalLine } from '../describe-approval.ts';
import { EXIT } from '../exit.ts';
import { clock } from '../format.ts';
import type { Style } from '../style.ts';
import { play } from './play.ts';

type Options = Readonly<Record<string, unknown>>;

/** Prints events until the daemon stops or the person does. */
export async function watch(context: Context, { follow }: Options): Promise<number> {
  if (typeof follow === 'string') return play(context, { follow: true }, [follow]);
  return context.ask(async (client) => {
    for await (const event of client.stream('watch', {})) {
      const known = event as WatchEvent;
      if (known.type === 'watching') context.note('watching; Ctrl-C ends');
      else if (context.json) context.printJson(event);
      else context.print(eventLine(known, { ...context.style, now: new Date() }));
    }
    context.note('hoplined ended the stream');
    return EXIT.unreachable;
  });
}

function eventLine(event: WatchEvent, style: Style): string {
  const { colors } = style;
  const at = (time: string | null, word: string) =>
    `${time === null ? '' : clock(time, style.now)}  ${colors.bold(word.padEnd(8))}`;
  switch (event.type) {
    case 'login':
    case 'identity':
    case 'login-end': {
      const { record } = event;
      const word = event.type === 'login-end' ? 'logout' : event.type;
      return `${at(event.type === 'login-end' ? record.ended : record.started, word)}  ${loginLine(record, style)}`;
    }
    case 'process':
    case 'process-exit': {
      const { record } = event;
      const exit = event.type === 'process-exit';
      const label = processLabel(record, 1000);
      const shown = style.columns === null ? label : fit(label, Math.max(20, style.columns - 45));
      const word = exit ? 'exit' : record.image === 0 ? 'fork' : 'exec';
      return `${at(exit ? record.exited : record.started, word)}  [L ${record.login}]  ${record.pid}  ${shown}${processMarks(record, style)}`;
    }
    case 'hop':
    case 'hop-end': {
      const { record } = event;
      const login = record.login === null ? 'unattributed' : `[L ${record.login}]`;
      const time = event.type === 'hop' ? record.started : record.ended;
      return `${at(time, event.type === 'hop' ? 'hop' : 'hop end')}  ${login}  ${hopLine(record, style)}  ${colors.dim(chain(record.chain, style))}`;
    }
    case 'handoff':
      return `${at(event.record.at, 'handoff')}  ${event.record.login ?? 'unattributed'}  ${handoffLine(event.record, event.record.login, style)}`;
    case 'notice': {
      const { at: time, kind, count, detail } = event.record;
      return `${at(time, 'notice')}  ${colors.yellow(kind)}${count === 1 ? '' : ` ${count}`}  ${printable(detail)}`;
    }
    case 'approval':
    case 'approval-answer': {
      const { record } = event;
      const [time, word] =
        event.type === 'approval' ? [record.at, 'held'] : [record.answer?.at ?? null, 'answer'];
      return `${at(time, word)}  ${approvalLine(record, style)}  ${colors.dim(chain(record.chain, style))}`;
    }
    case 'missed':
      return colors.red(
        `${event.count} events were missed: this terminal reads more slowly than things happen`,
      );
    default:
      return printable(JSON.stringify(event));
  }
}
