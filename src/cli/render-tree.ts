import type { ForestJson, HandoffJson, HopJson, TreeLoginJson } from '../api/json.ts';
import { fit, printable, textWidth } from '../core/text.ts';
import { chain, handoffLine, hopLine, loginLine, processLabel, processMarks } from './describe.ts';
import { count } from './format.ts';
import type { Joined } from './join-forests.ts';
import type { Style } from './style.ts';
import { type Group, group, growTree, hopShape, isKnownHosts, type Node } from './tree-model.ts';

export interface TreeStyle extends Style {
  /** Every process on a line of its own, forks included. */
  readonly full: boolean;
  /** Logins that hops led to, by hop. */
  readonly below?: Joined;
  /** Hosts that could not be asked, and why. */
  readonly absent?: ReadonlyMap<string, string>;
  /** The logins are of several hosts: each says of which. */
  readonly hosts?: boolean;
}

/** From this many on, siblings that look the same become one line with a count. */
const COLLAPSE = 4;
/** Lines below one process before those in which nothing was connected are left out. */
const SIBLINGS = 60;
/** Levels that are drawn as lines; deeper ones say their depth. */
const DEPTH = 32;
/** Columns for a command line beside its connection. */
const BESIDE = 28;
const LEAST_LABEL = 16;

/** A line of the drawing before it has its place: what it says and what is below it. */
interface Entry {
  readonly text: (columns: number | null) => string;
  readonly below: () => Entry[];
}

/** The trees of logins, then the connections of nobody, as lines without their newline. */
export function renderForest(forest: ForestJson, style: TreeStyle): string[] {
  const { colors } = style;
  const blocks = forest.logins.map((login) => renderTree(login, style));
  if (forest.unattributed.length > 0) {
    const heading = colors.bold(colors.yellow('unattributed')) + colors.dim('  no login is known for these');
    const hops = group(
      forest.unattributed,
      (hop) => hopShape(hop) + JSON.stringify(hop.chain),
      () => limitOf(style),
    );
    blocks.push([
      heading,
      ...draw(
        hops.map((one) => hopEntry(one, style, true)),
        style,
      ),
    ]);
  }
  if (forest.omitted > 0)
    blocks.push([colors.dim(`${count(forest.omitted, 'older login')} not shown (--limit)`)]);
  return blocks.flatMap((block, index) => (index === 0 ? block : ['', ...block]));
}

export function renderTree(login: TreeLoginJson, style: TreeStyle): string[] {
  const { link, host } = login;
  const above = link?.evidence == null ? undefined : style.absent?.get(link.host);
  const lines = [
    `${style.hosts ? `${style.colors.bold(printable(host))}  ` : ''}${loginLine(login, style)}`,
    ...draw(loginEntries(login, style), style),
  ];
  if (above === undefined || !link?.host) return lines;
  return [style.colors.yellow(absentText(link.host, above)), ...lines];
}

/** In place of what a host has. */
export function absentText(host: string, reason: string): string {
  return `${printable(host)} does not say what it has of this: ${printable(reason)}`;
}

function loginEntries(login: TreeLoginJson, style: TreeStyle): Entry[] {
  const tree = growTree(login, style.full);
  return [
    ...tree.handoffs.map((one) => handoffEntry(one, login.id, style)),
    ...processEntries(tree.roots, login.id, style),
    ...group(tree.hops, hopShape, () => limitOf(style)).map((one) => hopEntry(one, style, true)),
  ];
}

/** What a hop led to, on the host where it arrived. */
function ledTo({ all }: Group<HopJson>, style: TreeStyle): Entry[] {
  const logins = all.flatMap(({ id }) => style.below?.get(id) ?? []);
  const missing = all.flatMap(({ id, childHost }) => {
    const reason = childHost === null ? undefined : style.absent?.get(childHost);
    if (childHost === null || reason === undefined || style.below?.has(id)) return [];
    return [{ text: () => style.colors.yellow(absentText(childHost, reason)), below: () => [] }];
  });
  if (missing.length > 0) return missing;
  return logins.map((login) => ({
    text: () => `${style.colors.bold(printable(login.host))}  ${loginLine(login, style)}`,
    below: () => loginEntries(login, style),
  }));
}

function limitOf(style: TreeStyle): number {
  return style.full ? Number.POSITIVE_INFINITY : COLLAPSE;
}

function processEntries(nodes: readonly Node[], login: string, style: TreeStyle): Entry[] {
  const leastOf = ({ process }: Node) => (!style.full && isKnownHosts(process) ? 2 : limitOf(style));
  const groups = group(nodes, (node) => node.shape, leastOf);
  const shown = style.full ? groups : withoutTheIdle(groups);
  const entries = shown.map((one) => processEntry(one, login, style));
  const hidden = groups.length - shown.length;
  if (hidden > 0) {
    const what = `${hidden.toLocaleString('en-US')} more without a connection (--full)`;
    entries.push({ text: () => style.colors.dim(what), below: () => [] });
  }
  return entries;
}

/** Where there are too many, first go those in which nothing was connected, the middle ones before the ends. */
function withoutTheIdle(groups: readonly Group<Node>[]): readonly Group<Node>[] {
  if (groups.length <= SIBLINGS) return groups;
  const room = Math.max(0, SIBLINGS - groups.filter((one) => one.first.busy).length);
  const idle = groups.filter((one) => !one.first.busy);
  const kept = new Set([
    ...idle.slice(0, Math.ceil(room / 2)),
    ...idle.slice(idle.length - Math.floor(room / 2)),
  ]);
  return groups.filter((one) => one.first.busy || kept.has(one));
}

function processEntry({ first, all }: Group<Node>, login: string, style: TreeStyle): Entry {
  const { colors, glyphs } = style;
  const times =
    all.length === 1 ? '' : `  ${colors.yellow(`${glyphs.times} ${all.length.toLocaleString('en-US')}`)}`;
  const marks = `${processMarks(first.process, style)}${times}`;
  const hops = group(all.length === 1 ? first.hops : all.flatMap((node) => node.hops), hopShape, () =>
    limitOf(style),
  );
  const [only] = hops;
  const beside =
    hops.length !== 1 || only === undefined
      ? ''
      : only.all.length > 1 && only.all.length === all.length
        ? hopLine(only.first, style, only.all)
        : hopText(only, style, false);
  return {
    text: (columns) => {
      if (beside === '') {
        const room = columns === null ? null : Math.max(LEAST_LABEL, columns - visible(marks));
        return label(first, room) + marks;
      }
      const room =
        columns === null ? null : Math.max(LEAST_LABEL, columns - visible(marks) - visible(beside) - 2);
      const text = label(first, room) + marks;
      return `${text}${' '.repeat(Math.max(0, BESIDE - visible(text)))}  ${beside}`;
    },
    below: () => [
      ...(beside === ''
        ? hops.map((one) => hopEntry(one, style, false))
        : hops.flatMap((one) => ledTo(one, style))),
      ...first.handoffs.map((one) => handoffEntry(one, login, style)),
      // Of all of them, so that what is below a count is counted too.
      ...processEntries(
        all.length === 1 ? first.children : all.flatMap((node) => node.children),
        login,
        style,
      ),
    ],
  };
}

function label(node: Node, room: number | null): string {
  return room === null ? processLabel(node.process) : fit(processLabel(node.process, room + 1), room);
}

function hopText({ first, all }: Group<HopJson>, style: TreeStyle, withChain: boolean): string {
  const { colors, glyphs } = style;
  const from = withChain && first.chain.length > 0 ? colors.dim(`  ${chain(first.chain, style)}`) : '';
  if (all.length === 1) return hopLine(first, style) + from;
  const times = colors.yellow(`${glyphs.times} ${all.length.toLocaleString('en-US')}`);
  return `${hopLine(first, style, all)}  ${times}${from}`;
}

function hopEntry(hops: Group<HopJson>, style: TreeStyle, withChain: boolean): Entry {
  return { text: () => hopText(hops, style, withChain), below: () => ledTo(hops, style) };
}

function handoffEntry(handoff: HandoffJson, login: string, style: TreeStyle): Entry {
  return { text: () => handoffLine(handoff, login, style), below: () => [] };
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the colours that picocolors adds
const COLOUR = /\u001b\[\d+m/g;

function visible(text: string): number {
  return textWidth(text.replace(COLOUR, ''));
}

interface Place {
  readonly entry: Entry;
  readonly prefix: string;
  readonly depth: number;
  readonly last: boolean;
}

function draw(entries: readonly Entry[], style: TreeStyle): string[] {
  const { glyphs, columns, colors } = style;
  const lines: string[] = [];
  const stack: Place[] = places(entries, '', 0);
  for (let place = stack.pop(); place !== undefined; place = stack.pop()) {
    const { entry, prefix, depth, last } = place;
    const deeper = depth < DEPTH ? '' : `[${depth + 1}] `;
    const lead = prefix + (last ? glyphs.last : glyphs.branch) + deeper;
    const room = columns === null ? null : columns - textWidth(lead);
    lines.push(colors.dim(lead) + entry.text(room));
    const below = depth < DEPTH ? prefix + (last ? glyphs.gap : glyphs.line) : prefix;
    for (const next of places(entry.below(), below, depth + 1)) stack.push(next);
  }
  return lines;
}

/** Last first, as a stack wants them. */
function places(entries: readonly Entry[], prefix: string, depth: number): Place[] {
  return entries
    .map((entry, index) => ({ entry, prefix, depth, last: index === entries.length - 1 }))
    .reverse();
}
