/**
 * Between the client, who is known, and the host, which wants to be convinced: first with what Hopline holds, then with
 * what the person has. Each method that the host takes is offered to the client, which tries what it would try at the
 * host itself, in its order; where it offers a key, the same key signs for the host.
 */
import type { Back, Outcome } from './back.ts';
import type { Front } from './front.ts';
import type { Failure, Method } from './messages.ts';
import type { UpstreamAuth } from './upstream-auth.ts';

const RELAYED: ReadonlySet<string> = new Set(['publickey', 'password', 'keyboard-interactive']);

/** Until the host takes the user. @returns how it was convinced, for the record. @throws Error where either side goes away */
export async function mediate(front: Front, back: Back, user: string, auth: UpstreamAuth): Promise<string> {
  let outcome: Outcome = await back.begin(user);
  let by = 'none';
  if (outcome.type === 'failure') ({ outcome, by } = await tryHeld(outcome, back, user, auth));
  while (outcome.type === 'failure') {
    const asked = await front.asked();
    const tried = await tryAsked(asked, outcome, front, back, auth);
    by = tried.by;
    if (tried.outcome !== null) outcome = tried.outcome;
    if (outcome.type === 'failure' && !tried.answered) front.failure(offered(outcome));
  }
  return by;
}

interface Tried {
  /** Null: nothing was tried at the host. */
  readonly outcome: Outcome | null;
  readonly by: string;
  /** The client has its answer, or has moved on. */
  readonly answered: boolean;
}

async function tryHeld(first: Outcome & Failure, back: Back, user: string, auth: UpstreamAuth) {
  let outcome: Outcome = first;
  for (const held of await auth.held(user)) {
    if (outcome.type === 'success') break;
    const method = held.type === 'key' ? 'publickey' : 'password';
    if (!outcome.methods.includes(method)) continue;
    if (held.type === 'key') {
      const tried = await back.publicKey(held.signer);
      if (tried.type === 'success') return { outcome: tried, by: held.signer.name };
      if (tried.methods.length > 0) outcome = tried;
    } else {
      const tried = await back.password(Buffer.from(held.password.reveal()), null);
      if (tried.type === 'success') return { outcome: tried, by: held.name };
      if (tried.type === 'failure') outcome = tried;
    }
  }
  return { outcome, by: 'none' };
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
      const outcome = await back.publicKey(signer);
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
