import type { Command } from 'commander';
import { type Context, createContext, type GlobalOptions, type Wiring } from './context.ts';

type Options = Readonly<Record<string, unknown>>;
type Run = (context: Context, options: Options, args: readonly string[]) => Promise<number>;

/** Adds a command: its usage, one line on it, examples; what runs is loaded when it is called. */
export type Add = (
  parent: Command,
  [usage, summary, examples]: readonly [string, string, readonly string[]],
  run: () => Promise<Run>,
  options?: (command: Command) => Command,
) => void;

/** @param done is told the exit code */
export function adder(wiring: Wiring, done: (code: number) => void): Add {
  return (parent, [usage, summary, examples], run, options = (command) => command) => {
    const command = options(parent.command(usage).description(summary))
      .configureHelp({ showGlobalOptions: true })
      .addHelpText('after', `\nExamples:\n${examples.map((line) => `  $ ${line}`).join('\n')}`)
      .exitOverride();
    command.action(async (...given: unknown[]) => {
      const self = given.at(-1) as Command;
      const context = createContext(self.optsWithGlobals<GlobalOptions>(), wiring);
      done(await (await run())(context, self.opts(), self.args));
    });
  };
}
