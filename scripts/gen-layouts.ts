/**
 * Writes src/kernel/layouts.generated.ts from the BTF of a compiled object, so that what TypeScript
 * reads and writes has exactly the layout that the kernel half was compiled with.
 * BTF: https://docs.kernel.org/bpf/btf.html, sections 2 (types) and 4 (ELF).
 *
 * Usage: node scripts/gen-layouts.ts OBJECT... > src/kernel/layouts.generated.ts
 */
import { readFileSync } from 'node:fs';

interface Member {
  name: string;
  type: number;
  bits: number;
}
interface BtfType {
  kind: number;
  name: string;
  size: number;
  members: Member[];
  values: [string, number][];
  element: number;
  count: number;
}

const KIND = { INT: 1, ARRAY: 3, STRUCT: 4, UNION: 5, ENUM: 6, TYPEDEF: 8, VOLATILE: 9, CONST: 10 } as const;

function section(elf: Buffer, wanted: string): Buffer {
  const table = Number(elf.readBigUInt64LE(0x28));
  const [entry, count, names] = [elf.readUInt16LE(0x3a), elf.readUInt16LE(0x3c), elf.readUInt16LE(0x3e)];
  const header = (index: number) => elf.subarray(table + index * entry, table + (index + 1) * entry);
  const body = (h: Buffer) =>
    elf.subarray(Number(h.readBigUInt64LE(0x18)), Number(h.readBigUInt64LE(0x18) + h.readBigUInt64LE(0x20)));
  const strings = body(header(names));
  for (let index = 0; index < count; index++) {
    const at = header(index).readUInt32LE(0);
    if (strings.toString('latin1', at, strings.indexOf(0, at)) === wanted) return body(header(index));
  }
  throw new Error(`no ${wanted} section: compile with -g`);
}

function parse(btf: Buffer): BtfType[] {
  const header = btf.readUInt32LE(4);
  const types = btf.subarray(
    header + btf.readUInt32LE(8),
    header + btf.readUInt32LE(8) + btf.readUInt32LE(12),
  );
  const strings = btf.subarray(header + btf.readUInt32LE(16));
  const text = (at: number) => strings.toString('latin1', at, strings.indexOf(0, at));
  const out: BtfType[] = [{ kind: 0, name: 'void', size: 0, members: [], values: [], element: 0, count: 0 }];
  for (let at = 0; at < types.length; ) {
    const info = types.readUInt32LE(at + 4);
    const kind = (info >>> 24) & 0x1f;
    const vlen = info & 0xffff;
    const flag = info >>> 31 === 1;
    const type: BtfType = {
      kind,
      name: text(types.readUInt32LE(at)),
      size: types.readUInt32LE(at + 8),
      members: [],
      values: [],
      element: types.readUInt32LE(at + 8),
      count: 0,
    };
    at += 12;
    if (kind === KIND.INT || kind === 14 || kind === 17) at += 4;
    else if (kind === KIND.ARRAY) {
      type.element = types.readUInt32LE(at);
      type.count = types.readUInt32LE(at + 8);
      at += 12;
    } else if (kind === KIND.STRUCT || kind === KIND.UNION) {
      for (let index = 0; index < vlen; index++, at += 12) {
        const offset = types.readUInt32LE(at + 8);
        type.members.push({
          name: text(types.readUInt32LE(at)),
          type: types.readUInt32LE(at + 4),
          bits: flag ? offset & 0xffffff : offset,
        });
      }
    } else if (kind === KIND.ENUM) {
      for (let index = 0; index < vlen; index++, at += 8)
        type.values.push([text(types.readUInt32LE(at)), types.readInt32LE(at + 4)]);
    } else if (kind === 13) at += 8 * vlen;
    else if (kind === 15 || kind === 19) at += 12 * vlen;
    out.push(type);
  }
  return out;
}

const pascal = (name: string) =>
  name
    .split('_')
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join('');
const camel = (name: string) => name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

const structs = new Map<string, string>();
const enums = new Map<string, string>();

function resolve(types: BtfType[], id: number): BtfType {
  let type = types[id];
  while (type && (type.kind === KIND.TYPEDEF || type.kind === KIND.VOLATILE || type.kind === KIND.CONST))
    type = types[type.element];
  if (!type) throw new Error(`BTF type ${id} is missing`);
  return type;
}

function emitStruct(types: BtfType[], struct: BtfType): void {
  const fields: string[] = [];
  const reads: string[] = [];
  const writes: string[] = [];
  for (const member of struct.members) {
    if (member.name === 'pad') continue;
    const name = camel(member.name);
    const at = member.bits === 0 ? 'at' : `at + ${member.bits / 8}`;
    const type = resolve(types, member.type);
    if (type.kind === KIND.STRUCT) {
      fields.push(`  ${name}: ${pascal(type.name)};`);
      reads.push(`    ${name}: read${pascal(type.name)}(view, ${at}),`);
      writes.push(`  write${pascal(type.name)}(view, ${at}, value.${name});`);
    } else if (type.kind === KIND.ARRAY) {
      fields.push(`  ${name}: Uint8Array;`);
      reads.push(`    ${name}: bytes(view, ${at}, ${type.count}),`);
      writes.push(`  put(view, ${at}, ${type.count}, value.${name});`);
    } else if (type.size === 8) {
      fields.push(`  ${name}: bigint;`);
      reads.push(`    ${name}: view.getBigUint64(${at}, true),`);
      writes.push(`  view.setBigUint64(${at}, value.${name}, true);`);
    } else {
      const bits = type.size * 8;
      const little = bits > 8 ? ', true' : '';
      fields.push(`  ${name}: number;`);
      reads.push(`    ${name}: view.getUint${bits}(${at}${little}),`);
      writes.push(`  view.setUint${bits}(${at}, value.${name}${little});`);
    }
  }
  const name = pascal(struct.name);
  structs.set(
    struct.name,
    [
      `export interface ${name} {`,
      ...fields,
      '}',
      `export const ${camel(struct.name)}Size = ${struct.size};`,
      `export function read${name}(view: DataView, at: number): ${name} {`,
      '  return {',
      ...reads,
      '  };',
      '}',
      `export function write${name}(view: DataView, at: number, value: ${name}): void {`,
      ...writes,
      '}',
      '',
    ].join('\n'),
  );
}

for (const file of process.argv.slice(2)) {
  const types = parse(section(readFileSync(file), '.BTF'));
  for (const type of types) {
    if (type.kind === KIND.STRUCT && type.name.startsWith('hl_') && !structs.has(type.name))
      emitStruct(types, type);
    if (type.kind === KIND.ENUM && type.name.startsWith('hl_') && !enums.has(type.name)) {
      const values = type.values.map(([name, value]) => `  ${name.replace(/^HL_/, '')}: ${value},`);
      enums.set(
        type.name,
        [`export const ${pascal(type.name)} = {`, ...values, '} as const;', ''].join('\n'),
      );
    }
  }
}

const abi = readFileSync(new URL('../bpf/abi.h', import.meta.url), 'utf8');
const defines = [...abi.matchAll(/^#define (HL_\w+) (\d+)/gm)].map(
  ([, name, value]) => `export const ${name} = ${value};`,
);
process.stdout.write(
  [
    '// Generated by scripts/gen-layouts.ts from the BTF of the compiled objects. Do not edit.',
    '',
    ...defines,
    '',
    'function bytes(view: DataView, at: number, length: number): Uint8Array {',
    '  return new Uint8Array(view.buffer, view.byteOffset + at, Math.min(length, view.byteLength - at));',
    '}',
    'function put(view: DataView, at: number, length: number, value: Uint8Array): void {',
    '  new Uint8Array(view.buffer, view.byteOffset + at, length).set(value.subarray(0, length));',
    '}',
    '',
    ...[...enums.keys()].sort().map((name) => enums.get(name)),
    ...[...structs.keys()].sort().map((name) => structs.get(name)),
  ].join('\n'),
);
