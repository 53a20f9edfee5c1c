import type { Endpoint, Handoff, Hop, Id, Identity, Link, Login, Micros, Notice } from '../core/types.ts';
import type { Image } from './image.ts';

/** What was learnt of a login after its beginning. */
export interface LoginFacts {
  readonly at: Micros;
  readonly user?: string | null;
  readonly uid?: number | null;
  readonly identity?: Identity | null;
  readonly client?: Endpoint | null;
  readonly tty?: string | null;
  readonly link?: Link | null;
}

/** Where attribution says what happened. Calls are cheap: they are written together, in order. */
export interface Recorder {
  login(login: Login): void;
  identity(login: Id, facts: LoginFacts): void;
  loginEnd(login: Id, end: { at: Micros; lingering: boolean }): void;
  process(image: Image): void;
  processExit(image: Image, exit: { at: Micros; exitCode: number | null; signal: number | null }): void;
  hop(hop: HopDraft): void;
  hopEnd(
    hop: Id,
    end: { at: Micros; bytesUp: number | null; bytesDown: number | null; reason: string | null },
  ): void;
  handoff(handoff: HandoffDraft): void;
  notice(notice: Omit<Notice, 'id'>): void;
}

/** A hop whose process may not have its row number yet. */
export type HopDraft = Omit<Hop, 'process' | 'actions' | 'childLogin' | 'childHost' | 'dialed'> & {
  readonly image: Image | null;
};
export type HandoffDraft = Omit<Handoff, 'id' | 'process'> & { readonly image: Image | null };
