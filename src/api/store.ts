import type { Reader } from '../store/reader.ts';
import type { Handlers } from './connection.ts';
import {
  actionJson,
  approvalJson,
  handoffJson,
  hopJson,
  loginJson,
  microsFrom,
  noticeJson,
  treeLoginJson,
} from './json.ts';

type Reads = Pick<
  Reader,
  'logins' | 'login' | 'hop' | 'tree' | 'hops' | 'actions' | 'handoffs' | 'notices' | 'approvals'
>;

/** The methods that only read the store. Logins are named by id or a unique beginning of one. */
export function storeHandlers(
  reader: Reads,
): Required<Pick<Handlers, 'logins' | 'tree' | 'hops' | 'actions' | 'handoffs' | 'notices' | 'approvals'>> {
  const id = (ref: string | undefined) => (ref === undefined ? undefined : reader.login(ref).id);
  const time = (text: string | undefined) => (text === undefined ? undefined : microsFrom(text));
  return {
    logins: (params) => reader.logins(params).map(loginJson),
    tree: (params) => {
      const { logins, unattributed, omitted } = reader.tree(params);
      return { logins: logins.map(treeLoginJson), unattributed: unattributed.map(hopJson), omitted };
    },
    hops: (params) =>
      reader.hops({ ...params, login: id(params.login), since: time(params.since) }).map(hopJson),
    actions: (params) =>
      reader
        .actions({
          ...params,
          hop: params.hop === undefined ? undefined : reader.hop(params.hop).id,
          login: id(params.login),
          since: time(params.since),
        })
        .map(actionJson),
    handoffs: (params) =>
      reader.handoffs({ ...params, login: id(params.login), since: time(params.since) }).map(handoffJson),
    approvals: (params) => reader.approvals(params).map(approvalJson),
    notices: (params) => reader.notices({ ...params, since: time(params.since) }).map(noticeJson),
  };
}
