/**
 * Between the client, who is known, and the host, which wants to be convinced: first with what Hopline holds, then with
 * what the person has. Each method that the host takes is offered to the client, which tries what it would try at the
 * host itself, in its order; where it offers a key, the same key signs for the host.
 */
import type { Back, Outcome } from './back.ts';
import type { Front } from './front.ts';
import type { Failure, Method } from './messages.ts';
import type { Held, UpstreamAuth } from './upstream-auth.ts';

const RELAYED: ReadonlySet<string> = new Set(['publickey', 'password', 'keyboard-interactive']);

/** Until the host takes the user. @returns whom it took, and how it was convinced, for the record. @throws Error where either side goes away */
export async function mediate(front: Front, back: Back, user: string, auth: UpstreamAuth): Promise<Mediated> {
  const { account, held } = await auth.held(user);
  let outcome: Outcome = await back.begin(account);
  let by = 'none';
  if (outcome.type === 'failure') ({ outcome, by } = await tryHeld(outcome, back, held));
  while (outcome.type === 'failure') {
    const asked = await front.asked();
    const tried = await tryAsked(asked, outcome, front, back, auth);
    by = tried.by;
    if (tried.outcome !== null) outcome = tried.outcome;
    if (outcome.type === 'failure' && !tried.answered) front.failure(offered(outcome));
  }
  return { account, authentication: by };
}

export interface Mediated {
  /** At the host. */
  readonly account: string;
  readonly authentication: string;
}

interface Tried {
  /** Null: nothing was tried at the host. */
  readonly outcome: Outcome | null;
  readonly by: string;
  /** The client has its answer, or has moved on. */
  readonly answered: boolean;
}

async function tryHeld(first: Outcome & Failure, back: Back, all: readonly Held[]) {
  let outcome: Outcome = first;
  for (const held of all) {
    if (outcome.type === 'success') break;
    const tried =
      held.type === 'key' ? await tryKey(held, outcome, back) : await tryPassword(held, outcome, back);
    if (tried === null) continue;
    if (tried.type === 'success')
      return { outcome: tried, by: held.type === 'key' ? held.signer.name : held.name };
    if (held.type === 'password') held.refused();
    // No method is named where nothing was asked of the host.
    if (tried.methods.length > 0) outcome = tried;
  }
  return { outcome, by: 'none' };
}

async function tryKey(
  { signer }: Held & { type: 'key' },
  { methods }: Failure,
  back: Back,
): Promise<Outcome | null> {
  return methods.includes('publickey') ? back.publicKey(signer) : null;
}

/** Where the host takes no password as such, its one hidden question is for it (PAM). */
async function tryPassword(
  held: Held & { type: 'password' },
  { methods }: Failure,
  back: Back,
): Promise<Outcome | null> {
  const password = Buffer.from(held.password.reveal());
  try {
    if (methods.includes('password')) {
      const tried = await back.password(password, null);
      return tried.type === 'change' ? { type: 'failure', methods, partial: false } : tried;
    }
    if (!methods.includes('keyboard-interactive')) return null;
    const given = (echo: boolean): Buffer[] | null => (echo ? null : [password]);
    return await back.keyboardInteractive('', async ({ prompts: [first, ...more] }) =>
      first === undefined ? [] : more.length > 0 ? null : given(first.echo),
    );
  } finally {
    password.fill(0);
    held.password.clear();
  }
}

async function tryAsked(
  asked: Method,
  { methods }: Failure,
  front: Front,
  back: Back,
  auth: UpstreamAuth,
): Promise<Tried> {
  const nothing: Tried = { outcome: null, by: asked.method, answered: false };
  if (!methods.includes(asked.method)) return nothing;
  switch (asked.method) {
    case 'publickey': {
      let gone = false;
      const signer = await auth.signer(asked.key, async (path) => {
        const prompt = { prompt: `Enter passphrase for key '${path}': `, echo: false };
        const answers = await front.ask({ name: '', instruction: '', prompts: [prompt] });
        gone = answers === null;
        return answers?.[0] ?? null;
      });
      if (signer === null) return { ...nothing, answered: gone };
      const asks = front.awaitsKeyOk(asked);
      const outcome = await (asks ? back.wouldTake(signer.publicKey) : back.publicKey(signer));
      if (outcome === null) {
        front.keyOk(asked);
        return { outcome, by: signer.name, answered: true };
      }
      // No method is named where nothing was asked of the host.
      const told = outcome.type === 'success' || outcome.methods.length > 0;
      return { outcome: told ? outcome : null, by: signer.name, answered: false };
    }
    case 'password': {
      const outcome = await back.password(asked.password, asked.newPassword);
      if (outcome.type !== 'change') return { outcome, by: 'password', answered: false };
      front.passwordChange(outcome.prompt);
      return { outcome: null, by: 'password', answered: true };
    }
    case 'keyboard-interactive': {
      const outcome = await back.keyboardInteractive(asked.submethods, (info) => front.relay(info));
      return { outcome, by: 'keyboard-interactive', answered: outcome === null };
    }
    default:
      return nothing;
  }
}

function offered({ methods, partial }: Failure): Failure {
  return { methods: methods.filter((method) => RELAYED.has(method)), partial };
}
