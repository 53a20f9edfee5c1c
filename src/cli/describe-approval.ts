import type { ApprovalJson } from '../api/json.ts';
import { printable } from '../core/text.ts';
import { chain } from './describe.ts';
import { between, clock, duration, endpoint } from './format.ts';
import type { Style } from './style.ts';

/** What somebody who is to say yes has to have seen: all of it that was kept, on lines of its own. */
export function approvalLines(approval: ApprovalJson, style: Style): string[] {
  const { colors } = style;
  const { asks, detail, subject } = approval;
  const indent = '    ';
  const given = detail.statement ?? detail.command;
  const statement = typeof given === 'string' ? given : subject;
  const cut = typeof detail.cut === 'number' ? colors.red(`  … and ${detail.cut} characters more`) : '';
  const messages = asks.flatMap(({ message }) => message ?? []);
  return [
    approvalLine(approval, style),
    ...statement.split('\n').map((line) => indent + printable(line)),
    ...(cut === '' ? [] : [indent + cut]),
    ...parameterLines(detail.parameters).map((line) => indent + line),
    `${indent}${colors.dim(chain(approval.chain, style))}`,
    `${indent}${asks.map(({ policy }) => printable(policy)).join(', ')} asks ${whoOf(asks)}${messages.length === 0 ? '' : `: ${printable(messages.join(' '))}`}`,
  ];
}

/** One line: number, time, who, where, what, and what became of it. */
export function approvalLine(approval: ApprovalJson, style: Style): string {
  const { colors, now } = style;
  const { id, at, login, requester, target, destination, subject } = approval;
  return [
    colors.cyan(String(id)),
    clock(at, now),
    colors.bold(printable(requester)),
    login === null ? colors.yellow('unattributed') : `[L ${login}]`,
    printable(target ?? endpoint(destination)),
    printable(subject),
    outcome(approval, style),
  ].join('  ');
}

function outcome({ answer, expires }: ApprovalJson, { colors, now }: Style): string {
  if (answer === null) {
    const left = between(now.toISOString(), expires);
    return colors.yellow(left > 0 ? `waits, ${duration(left)} left` : 'waits');
  }
  const { outcome: word, by, reason, at } = answer;
  const paint = word === 'approved' ? colors.green : colors.red;
  const who = by === null ? '' : ` by ${printable(by)}`;
  return `${paint(word)}${who} ${clock(at, now)}${reason === '' ? '' : `: ${printable(reason)}`}`;
}

function parameterLines(parameters: unknown): string[] {
  if (!Array.isArray(parameters)) return [];
  return parameters.map(
    (value, index) => `$${index + 1} = ${value === null ? 'null' : printable(JSON.stringify(value))}`,
  );
}

function whoOf(asks: ApprovalJson['asks']): string {
  const each = asks.map(({ group }) =>
    group === null ? 'another person' : `a member of ${printable(group)}`,
  );
  return [...new Set(each)].sort().join(' and ');
}
