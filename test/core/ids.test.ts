import t from 'tap';
import { bigIntFromId, idFromBigInt, normaliseId } from '../../src/core/ids.ts';
import { Random } from './random.ts';

const TOP = (1n << 60n) - 1n;

t.test('a number is the same again, and ids sort as their numbers do', async (t) => {
  const random = new Random(1);
  const values = [0n, 1n, 31n, 32n, (1n << 30n) - 1n, 1n << 30n, TOP];
  for (let n = 0; n < 2000; n++) {
    const bits = BigInt(random.below(61));
    const value = (BigInt(random.below(2 ** 32)) << 32n) | BigInt(random.below(2 ** 32));
    values.push(value & ((1n << bits) - 1n));
  }
  const ids = values.map(idFromBigInt);
  t.same(ids.map(bigIntFromId), values);
  t.ok(ids.every((id) => /^[0-9A-HJKMNP-TV-Z]{12}$/.test(id)));
  const byNumber = [...values].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)).map(idFromBigInt);
  t.same([...ids].sort(), byNumber, 'in the order of bytes, as SQLite compares them');
});

t.test('what has no place in twelve characters', async (t) => {
  t.equal(idFromBigInt(0n), '000000000000');
  t.equal(idFromBigInt(TOP), 'ZZZZZZZZZZZZ');
  t.throws(() => idFromBigInt(-1n), RangeError);
  t.throws(() => idFromBigInt(TOP + 1n), RangeError);
});

t.test('what a person types', async (t) => {
  const cases: [typed: string, meant: bigint | null][] = [
    ['00000000000z', 31n],
    ['oOoOoOoOoOil', 33n],
    ['000000000L0I', 1025n],
    ['', null],
    ['00000000000', null],
    ['0000000000000', null],
    ['00000000000U', null],
    ['00000000000 ', null],
    ['0000-0000-00', null],
    ['00000000000\0', null],
    ["' OR 1=1; --", null],
    ['٠٠٠٠٠٠٠٠٠٠٠٠', null],
    ['ßßßßßß', null],
    ['ﬃﬃﬃﬃ', null],
    ['0000000000ıſ', null],
    ['🙂🙂🙂🙂🙂🙂', null],
    ['_%_%_%_%_%_%', null],
  ];
  for (const [typed, meant] of cases) t.equal(bigIntFromId(typed), meant, JSON.stringify(typed));
  t.equal(normaliseId('lOgin-1é'), '10G1N-1é');
});
