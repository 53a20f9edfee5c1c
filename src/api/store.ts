import type { Reader } from '../store/reader.ts';
import type { Handlers } from './connection.ts';
import {
  actionJson,
  approvalJson,
  type ForestJson,
  handoffJson,
  hopJson,
  loginJson,
  microsFrom,
  noticeJson,
  recordingJson,
  treeLoginJson,
} from './json.ts';
import type { Params } from './protocol.ts';

type Reads = Pick<
  Reader,
  | 'logins'
  | 'login'
  | 'hop'
  | 'tree'
  | 'hops'
  | 'actions'
  | 'recordings'
  | 'handoffs'
  | 'notices'
  | 'approvals'
>;

/** The methods that only read the store. Logins are named by id or a unique beginning of one. */
export function storeHandlers(
  reader: Reads,
): Required<
  Pick<Handlers, 'logins' | 'hops' | 'actions' | 'recordings' | 'handoffs' | 'notices' | 'approvals'>
> & { tree(params: Params['tree']): ForestJson } {
  const id = (ref: string | undefined) => (ref === undefined ? undefined : reader.login(ref).id);
  const hopId = (ref: string | undefined) => (ref === undefined ? undefined : reader.hop(ref).id);
  const time = (text: string | undefined) => (text === undefined ? undefined : microsFrom(text));
  const place = (text: string) => {
    const [hop = '', seq] = text.split('#');
    return { hop: reader.hop(hop).id, seq: Number(seq) };
  };
  return {
    logins: (params) => reader.logins(params).map(loginJson),
    tree: (params) => {
      const { logins, unattributed, omitted } = reader.tree(params);
      return {
        logins: logins.map(treeLoginJson),
        unattributed: unattributed.map(hopJson),
        omitted,
        parts: [],
        absent: [],
      };
    },
    hops: (params) =>
      reader
        .hops({ ...params, hop: hopId(params.hop), login: id(params.login), since: time(params.since) })
        .map(hopJson),
    actions: (params) =>
      reader
        .actions({
          ...params,
          hop: hopId(params.hop),
          login: id(params.login),
          since: time(params.since),
          until: time(params.until),
          before: params.before === undefined ? undefined : place(params.before),
        })
        .map(actionJson),
    recordings: (params) =>
      reader
        .recordings({ ...params, hop: hopId(params.hop), login: id(params.login), since: time(params.since) })
        .map(recordingJson),
    handoffs: (params) =>
      reader.handoffs({ ...params, login: id(params.login), since: time(params.since) }).map(handoffJson),
    approvals: (params) => reader.approvals(params).map(approvalJson),
    notices: (params) => reader.notices({ ...params, since: time(params.since) }).map(noticeJson),
  };
}
