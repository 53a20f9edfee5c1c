import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { ControlError } from '../api/protocol.ts';
import { printable } from '../core/text.ts';
import { adder } from './add.ts';
import { DEFAULT_SOCKET, type Wiring } from './context.ts';
import { EXIT, exitCodeOf, UsageError } from './exit.ts';
import { hostCommands } from './host-commands.ts';

const EXIT_CODES = `
Exit codes: 0 done, 1 the answer is no (denied, a check failed), 2 wrong usage,
3 hoplined does not answer, 4 nothing of that name or several.`;

/**
 * Runs one command line.
 * @param argv without node and script
 * @returns the exit code
 */
export async function main(argv: readonly string[], wiring: Wiring): Promise<number> {
  let code: number = EXIT.ok;
  const program = build(wiring, (result) => {
    code = result;
  });
  try {
    await program.parseAsync(argv, { from: 'user' });
    return code;
  } catch (error) {
    // Commander has said what is wrong, or printed the help, already.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    const known = error instanceof ControlError || error instanceof UsageError;
    const text =
      error instanceof Error ? (known ? error.message : (error.stack ?? error.message)) : String(error);
    process.stderr.write(`hopline: ${text.split('\n').map(printable).join('\n')}\n`);
    return exitCodeOf(error);
  }
}

function build(wiring: Wiring, done: (code: number) => void): Command {
  const program = new Command('hopline')
    .description('Who is logged in, through which programs they connect, and where to.')
    .version(wiring.version)
    .addOption(
      new Option('--socket <path>', 'control socket of hoplined')
        .env('HOPLINE_SOCKET')
        .default(DEFAULT_SOCKET),
    )
    .option('--json', 'machine-readable: one JSON value, or one a line for watch')
    .option('--no-color', 'no colour (NO_COLOR does the same)')
    .option('--ascii', 'draw trees with ASCII characters')
    .addHelpText('after', EXIT_CODES)
    .configureHelp({ showGlobalOptions: true })
    .exitOverride();

  const add = adder(wiring, done);
  add(
    program,
    ['doctor', 'check kernel, cgroup, sshd, PAM and permissions, and name the fix', ['sudo hopline doctor']],
    async () => (await import('./commands/doctor.ts')).doctor,
    (c) => c.option('--config <dir>', 'configuration directory', '/etc/hopline'),
  );
  add(
    program,
    [
      'status',
      'whether the daemon is well, and its figures',
      ['hopline status', 'hopline status --json | jq .workers'],
    ],
    async () => (await import('./commands/status.ts')).status,
  );
  add(
    program,
    ['logins', 'open logins', ['hopline logins', 'hopline logins --all --user alice']],
    async () => (await import('./commands/lists.ts')).logins,
    (c) =>
      c
        .option('-a, --all', 'those that are over as well')
        .option('-u, --user <name>', 'of one person')
        .addOption(limit()),
  );
  add(
    program,
    [
      'tree [login]',
      'what a login ran, and where it connected to; without one, every login of the last day',
      [
        'hopline tree',
        'hopline tree C9ZYV7 --full',
        "hopline tree --json | jq '.[].hops[].destination'",
        'ssh bastion2 hopline tree --json | hopline tree --with -',
      ],
    ],
    async () => (await import('./commands/tree.ts')).tree,
    (c) =>
      c
        .option('-a, --all', 'logins of any age')
        .option('-f, --full', 'every process: no counts, nothing left out')
        .option('--local', 'without what other hosts of the fleet have of these trees')
        .addOption(
          new Option(
            '--with <file>',
            "another host's hopline tree --json, drawn as one with this (- reads input)",
          )
            .argParser((file: string, before: readonly string[]) => [...before, file])
            .default([]),
        )
        .addOption(limit()),
  );
  add(
    program,
    [
      'watch',
      'what happens, as it happens, until Ctrl-C',
      ['hopline watch', 'hopline watch --json | jq -c .record', 'hopline watch --follow S7QK2M'],
    ],
    async () => (await import('./commands/watch.ts')).watch,
    (c) => c.option('--follow <hop>', 'what one connection, or a login itself, records, up to its end'),
  );
  add(
    program,
    [
      'hops',
      'connections, newest first',
      [
        'hopline hops --user alice --since 2h',
        'hopline hops --target orders-db --denied',
        'hopline hops --unattributed',
      ],
    ],
    async () => (await import('./commands/lists.ts')).hops,
    (c) =>
      c
        .option('-l, --login <id>', 'of one login')
        .option('-u, --user <name>', 'of one person')
        .option('-t, --target <name>', 'to a target, a host name or an address')
        .option('-s, --since <time>', 'started since: 90s, 15m, 2h, 7d, or 2026-01-31T12:00')
        .option('--denied', 'those that were denied')
        .option('--open', 'those that are open')
        .option('--unattributed', 'those that no login is known for')
        .addOption(limit()),
  );
  add(
    program,
    [
      'actions',
      'what was done in connections: statements, newest first',
      [
        'hopline actions --user alice --since 2h',
        'hopline actions --target orders-db --denied',
        'hopline actions --hop C9ZYX2 --json',
        "hopline actions --text 'drop table'",
        'hopline actions -n 100 --before C9ZYX2#17',
      ],
    ],
    async () => (await import('./commands/actions.ts')).actions,
    (c) =>
      c
        .option('-H, --hop <id>', 'in one connection')
        .option('-l, --login <id>', 'of one login')
        .option('-u, --user <name>', 'of one person')
        .option('-t, --target <name>', 'on a target, a host name or an address')
        .option('-s, --since <time>', 'since: 90s, 15m, 2h, 7d, or 2026-01-31T12:00')
        .option('--until <time>', 'begun before: the same forms')
        .option('-k, --kind <kind>', 'of one kind: query, cancel')
        .addOption(
          new Option('--outcome <outcome>', 'that were so decided').choices(['allow', 'deny', 'approve']),
        )
        .option('--before <hop#number>', 'the page after this one: older than this action')
        .option('--text <text>', 'with this in the statement or in what is recorded beside it')
        .option('--denied', 'those that were denied')
        .addOption(limit()),
  );
  add(
    program,
    [
      'play <hop>',
      'a connection again: its statements with the rows that the person saw, its terminals; or the terminals of a login',
      [
        'hopline play C9ZYX2',
        'hopline play C9ZYX2 --speed 10 --skip-idle',
        'hopline play C9ZYX2 --full | less -S',
        'hopline play C9ZYX2 --json | jq -c \'select(.type == "row") | .values\'',
        'hopline play S7QK2M --search passwd',
        'hopline play S7QK2M --cast > session.cast',
      ],
    ],
    async () => (await import('./commands/play.ts')).play,
    (c) =>
      c
        .option('--speed <times>', 'wait between statements as then: 1, or 10 for ten times as fast')
        .option('--skip-idle [seconds]', 'no pause longer than this (2)')
        .option(
          '--search <text>',
          'only the lines of its terminals with this in them; exit code 1 without any',
        )
        .option('--cast', 'a terminal as asciicast v3, for other players')
        .addOption(
          new Option('--action <number>', 'whose terminal (the first)').argParser((text) => {
            const value = Number(text);
            if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('1 or more.');
            return value;
          }),
        )
        .option('--full', 'statements and values whole, however long')
        .addOption(
          new Option('--width <columns>', 'cut values at so many columns (60)').argParser((text) => {
            const value = Number(text);
            if (!Number.isInteger(value) || value < 4 || value > 10_000)
              throw new InvalidArgumentError('4 to 10000.');
            return value;
          }),
        ),
  );
  add(
    program,
    [
      'recordings',
      'what was kept of connections beside their actions, and of logins, newest first',
      ['hopline recordings --user alice --since 1d', 'hopline recordings --hop C9ZYX2'],
    ],
    async () => (await import('./commands/recordings.ts')).recordings,
    (c) =>
      c
        .option('-H, --hop <id>', 'of one connection')
        .option('-l, --login <id>', 'of one login')
        .option('-u, --user <name>', 'of one person')
        .option('-t, --target <name>', 'on a target, a host name or an address')
        .option('-s, --since <time>', 'since: 90s, 15m, 2h, 7d, or 2026-01-31T12:00')
        .option('-k, --kind <kind>', 'of one kind: rows, terminal')
        .addOption(limit()),
  );
  add(
    program,
    [
      'handoffs',
      'steps from one login into another that are not descent: tmux, ControlMaster, agents',
      ['hopline handoffs --since 1d'],
    ],
    async () => (await import('./commands/lists.ts')).handoffs,
    (c) =>
      c
        .option('-l, --login <id>', 'from or into one login')
        .option('-s, --since <time>', 'since')
        .addOption(limit()),
  );
  add(
    program,
    [
      'notices',
      'what the record has to admit: gaps, losses, refusals without a hop',
      ['hopline notices --since 1d --kind gap'],
    ],
    async () => (await import('./commands/lists.ts')).notices,
    (c) =>
      c.option('-s, --since <time>', 'since').option('-k, --kind <kind>', 'of one kind').addOption(limit()),
  );
  add(
    program,
    [
      'revoke <what>',
      'end what a login, a user or one connection may do: no new connection, live ones closed',
      [
        'sudo hopline revoke C9ZYV7CS9G00 --reason "laptop stolen"',
        'sudo hopline revoke alice',
        'sudo hopline revoke hop:C9ZYX2',
      ],
    ],
    async () => (await import('./commands/control.ts')).revoke,
    (c) => c.option('-r, --reason <text>', 'for the record and the person'),
  );
  add(
    program,
    [
      'approvals',
      'actions that wait for a yes, with all that is known of them',
      [
        'hopline approvals',
        'hopline approvals --all --limit 20',
        "hopline approvals --json | jq '.[].detail'",
      ],
    ],
    async () => (await import('./commands/approvals.ts')).approvals,
    (c) => c.option('-a, --all', 'those that were answered as well').addOption(limit()),
  );
  add(
    program,
    [
      'approve <number>',
      'let a held action go on; whoever the policy names can, and nobody for themselves',
      ['hopline approve 17', 'hopline approve 17 --reason "as agreed in OPS-1234"'],
    ],
    async () => (await import('./commands/approvals.ts')).approve,
    (c) => c.option('-r, --reason <text>', 'for the record'),
  );
  add(
    program,
    ['deny <number>', 'refuse a held action', ['hopline deny 17 --reason "not on a Friday"']],
    async () => (await import('./commands/approvals.ts')).deny,
    (c) => c.option('-r, --reason <text>', 'for the record and the person; has to be given'),
  );
  const policy = program.command('policy').description('check and question the policies');
  add(
    policy,
    [
      'check [dir]',
      'validate the policies and all they refer to',
      ['hopline policy check', 'hopline policy check ./etc-hopline'],
    ],
    async () => (await import('./commands/config.ts')).policyCheck,
  );
  add(
    policy,
    [
      'explain',
      'what would be decided about a connection, and by which policy',
      [
        'hopline policy explain --user alice --target orders-db',
        'hopline policy explain --login C9ZYV7 --destination web1:80 --chain bash,claude,curl',
      ],
    ],
    async () => (await import('./commands/explain.ts')).explain,
    (c) =>
      c
        .option('-l, --login <id>', 'as this login')
        .option('-u, --user <name>', 'as this user')
        .option('-t, --target <name>', 'to this target')
        .option(
          '-d, --destination <address:port>',
          'to this address, target or name from DNS (…/udp for UDP)',
        )
        .option('-c, --chain <programs>', 'through these programs, with commas between'),
  );
  add(
    program.command('config').description('check the configuration'),
    [
      'check [dir]',
      'validate hopline.yaml, targets, identities and policies',
      ['hopline config check', 'hopline config check ./etc-hopline'],
    ],
    async () => (await import('./commands/config.ts')).configCheck,
  );
  hostCommands(program, add);
  add(
    program,
    [
      'shell',
      'records what is typed and shown in a login on this host: for sshd, as its ForceCommand',
      [
        "echo 'ForceCommand /usr/bin/hopline shell' | sudo tee -a /etc/ssh/sshd_config # below: Match User *,!root",
        'sudo sshd -t && sudo systemctl reload ssh',
        'hopline play CR6GZCFGFMR0',
      ],
    ],
    async () => (await import('./commands/shell.ts')).shell,
  );
  add(
    program,
    ['reload', 'take up configuration, targets and policies: all of it, or none', ['sudo hopline reload']],
    async () => (await import('./commands/control.ts')).reload,
  );
  return program;
}

function limit(): Option {
  return new Option('-n, --limit <count>', 'at most so many').argParser((text) => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < 1 || value > 100_000)
      throw new InvalidArgumentError('1 to 100000.');
    return value;
  });
}
