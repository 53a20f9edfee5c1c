import { BUILT_IN } from '../../src/masking/detectors/built-in.ts';
import { Detectors } from '../../src/masking/detectors/detectors.ts';
import { type MaskForm, parseMaskForm } from '../../src/masking/forms.ts';
import { MaskKey } from '../../src/masking/key.ts';
import type { Random } from '../core/random.ts';

export const KEY_TEXT = 'a key for tests, of 32 bytes....';
export const KEY = new MaskKey(Buffer.from(KEY_TEXT));
export const OTHER_KEY = new MaskKey(Buffer.from('another key for tests, as long..'));

export const FORMS: readonly (readonly [string, MaskForm])[] = [
  'full',
  'null',
  'first2',
  'last4',
  'first1last4',
  'hash',
  'card',
  'email',
].map((name) => [name, parseMaskForm(name, KEY)]);

/** All that ship, and no pattern. */
export const ALL = new Detectors({ enabled: [...BUILT_IN.keys()], patterns: [] });

/** One detector alone. */
export function only(name: string): Detectors {
  return new Detectors({ enabled: [name], patterns: [] });
}

/** What was found, as `detector:text`. */
export function found(detectors: Detectors, text: string): string[] {
  return detectors.find(text).map((hit) => `${hit.detector}:${text.slice(hit.start, hit.end)}`);
}

const PARTS = [
  ...['4111 1111 1111 1111', '378282246310005', '6205500000000000004', '5555-5555-5555-4444'],
  ...[
    'DE89 3704 0044 0532 0130 00',
    'NO9386011117947',
    'MT84MALT011000012345MTLCAST001S',
    'gb29nwbk60161331926819',
  ],
  ...['alice@example.com', '"a b"@x.org', 'x@[10.0.0.1]', 'пошта@приклад.укр', '用户@例子.广告'],
  ...[
    '+49 30 901820',
    '+6834000',
    '+1 (202) 555-0123',
    '123-45-6789',
    '123 45 6789',
    'AB 12 34 56 C',
    'ab123456d',
  ],
  ...[
    '86095742719',
    '86 095 742 719',
    '1 84 12 76 451 089 46',
    '1841276451 089 46',
    '184122A45108933',
    'BSN 111222333',
  ],
  ...[
    'bsn',
    'DE',
    'AB',
    '4',
    '11',
    '123',
    '1111',
    '00',
    '+',
    '@',
    '.',
    '-',
    ' ',
    '/',
    '(',
    ')',
    ',',
    ':',
    '_',
    '\n',
    '\t',
  ],
  ...[
    '\u00a0',
    '\u200b',
    '\u2011',
    '\u00ad',
    '\ufeff',
    '１',
    '٤',
    '۴',
    '४',
    '৪',
    '𝟒',
    '＠',
    '＋',
    'Ａ',
    'ｎ',
    '－',
    '　',
  ],
  ...['a', 'B', 'n', 'x', 'é', 'ß', '漢', '🙂', '\ud800', '\udc00', '\u0000', '"', '\\', '{', '}', 'e', 'E'],
];

/** Values, pieces of values and everything that stands between them, in any order, cut anywhere. */
export function randomText(random: Random, most: number): string {
  let text = '';
  for (let n = random.below(most); n > 0; n--) {
    const part = random.pick(PARTS);
    const whole = random.below(3) > 0;
    text += whole ? part : part.slice(random.below(part.length), random.below(part.length) + 1);
    if (random.below(12) === 0) text += String.fromCodePoint(random.below(0x3000));
  }
  return text;
}
