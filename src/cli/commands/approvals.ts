import type { ApprovalJson } from '../../api/json.ts';
import { printable } from '../../core/text.ts';
import type { Context } from '../context.ts';
import { approvalLines } from '../describe-approval.ts';
import { EXIT, UsageError } from '../exit.ts';
import { numberOption, textOption } from '../since.ts';

type Options = Readonly<Record<string, unknown>>;

export async function approvals(context: Context, options: Options): Promise<number> {
  const all = options.all === true;
  const params = { all, limit: numberOption(options.limit) };
  const found = await context.ask((client) => client.call('approvals', params));
  if (context.json) context.printJson(found);
  else
    context.print(
      found.length > 0
        ? found.flatMap((one) => approvalLines(one, context.style))
        : all
          ? 'no approvals'
          : 'nothing waits for an approval (--all)',
    );
  return EXIT.ok;
}

export async function approve(
  context: Context,
  options: Options,
  [given = '']: readonly string[],
): Promise<number> {
  const params = { approval: numberOf(given), reason: textOption(options.reason) };
  return answered(context, await context.ask((client) => client.call('approve', params)));
}

export async function deny(
  context: Context,
  options: Options,
  [given = '']: readonly string[],
): Promise<number> {
  const reason = textOption(options.reason)?.trim();
  if (!reason)
    throw new UsageError('deny: say why with --reason: the person reads it where the action fails');
  const params = { approval: numberOf(given), reason };
  return answered(context, await context.ask((client) => client.call('deny', params)));
}

function numberOf(given: string): number {
  if (!/^[1-9]\d{0,14}$/.test(given))
    throw new UsageError(
      `${printable(JSON.stringify(given))} is no number of an approval: see hopline approvals`,
    );
  return Number(given);
}

function answered(context: Context, approval: ApprovalJson): number {
  if (context.json) context.printJson(approval);
  else context.print(approvalLines(approval, context.style));
  return EXIT.ok;
}
