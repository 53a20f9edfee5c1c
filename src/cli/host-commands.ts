/** Commands about other hosts: the authority that certifies who is brought to them, and the fleet. */
import type { Command } from 'commander';
import type { Add } from './add.ts';

export function hostCommands(program: Command, add: Add): void {
  const ca = program.command('ca').description('the authority that certifies keys for SSH targets');
  add(
    ca,
    [
      'keys',
      'the line for the file that TrustedUserCAKeys names',
      ['hopline ca keys', 'hopline ca keys 2>/dev/null | ssh root@db1 tee /etc/ssh/hopline_ca.pub'],
    ],
    async () => (await import('./commands/ca.ts')).ca,
  );
  add(
    ca,
    [
      'rotate',
      'make the next key; then, when hosts know it, sign with it',
      ['sudo hopline ca rotate', 'sudo hopline ca rotate --use'],
    ],
    async () => (await import('./commands/ca.ts')).caRotate,
    (c) => c.option('--use', 'sign with the next key, and forget the one before'),
  );
  const peer = program.command('peer').description('the hosts whose trees are one');
  add(
    peer,
    ['list', 'the hosts of the fleet, and whether they are connected', ['hopline peer list']],
    async () => (await import('./commands/peers.ts')).list,
  );
  add(
    peer,
    [
      'invite <host>',
      'let a host of this name join once, within an hour; the first invitation makes the fleet',
      ['sudo hopline peer invite bastion2'],
    ],
    async () => (await import('./commands/peers.ts')).invite,
  );
  add(
    peer,
    [
      'join <address:port> <token>',
      'join the fleet of the host that has invited this one',
      ['sudo hopline peer join 10.0.0.5:7422 hopline-…', 'sudo hopline peer join 10.0.0.5:7422 - <token'],
    ],
    async () => (await import('./commands/peers.ts')).join,
  );
  add(
    peer,
    [
      'remove <host>',
      'put a host out: this host takes nothing from it any more',
      ['sudo hopline peer remove bastion2'],
    ],
    async () => (await import('./commands/peers.ts')).remove,
  );
  add(
    peer,
    ['leave', 'take this host out of its fleet', ['sudo hopline peer leave']],
    async () => (await import('./commands/peers.ts')).leave,
  );
}
