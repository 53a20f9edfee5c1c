/**
 * What of PostgreSQL's types masking has to know (pg_type.dat): which can hold `***`, and how their values are written.
 *
 * | class | types | full | partial, card, email | hash |
 * |---|---|---|---|---|
 * | `text` | text, varchar, unknown, citext | `***` | as the form says | 16 digits |
 * | `name` | name | `***` | as the form says; `***` above 63 bytes | 16 digits |
 * | `bpchar` | character(n) | `***` | as the form says, of the value without its padding | 16 digits |
 * | `char` | "char" | `*` | `*` | NULL |
 * | `json`, `jsonb` | | `"***"` | of a JSON string as the form says, of anything else `"***"` | 16 digits in quotes |
 * | `xml` | | `***` | `***` | 16 digits |
 * | `uuid` | | NULL | NULL | a UUID of version 8 |
 * | `number` | smallint to bigint, real, double precision, numeric | NULL | NULL | NULL |
 * | `other` | all else: dates, boolean, bytea, addresses, ranges, composites, enumerations … | NULL | NULL | NULL |
 *
 * The form `null` is NULL everywhere. An array of one of the classes but `other` is masked element by element, where an
 * element that would become NULL makes the whole array NULL; its dimensions and NULL elements stay visible.
 *
 * With the length of a varchar(n) or character(n) given, what is longer is cut to it, and character(n) is padded to it.
 * Without, a character(n) is not padded: the padding would tell how long an undeclared one was. `***` in an xml is
 * content (xmloption's default), no document. The hash of a citext is that of its letters as they are.
 */
export type ScalarClass =
  | 'text'
  | 'name'
  | 'bpchar'
  | 'char'
  | 'json'
  | 'jsonb'
  | 'xml'
  | 'uuid'
  | 'number'
  | 'other';
/** `[]` marks an array, of any dimensions. */
export type TypeClass = ScalarClass | `${Exclude<ScalarClass, 'other'>}[]`;

/** Oid of the type, oid of its array, class. Types of extensions and users have no fixed oid. */
const BUILT_IN: readonly (readonly [oid: number, array: number, Exclude<ScalarClass, 'other'>])[] = [
  [18, 1002, 'char'],
  [19, 1003, 'name'],
  [20, 1016, 'number'],
  [21, 1005, 'number'],
  [23, 1007, 'number'],
  [25, 1009, 'text'],
  [114, 199, 'json'],
  [142, 143, 'xml'],
  [700, 1021, 'number'],
  [701, 1022, 'number'],
  [1042, 1014, 'bpchar'],
  [1043, 1015, 'text'],
  [1700, 1231, 'number'],
  [2950, 2951, 'uuid'],
  [3802, 3807, 'jsonb'],
];
/** A literal whose type nothing decided; there is no array of it. */
const UNKNOWN = 705;

const CLASSES = new Map<number, TypeClass>([[UNKNOWN, 'text']]);
const ELEMENT_OIDS = new Map<number, number>();
const ELEMENT_CLASSES = new Map<TypeClass, ScalarClass>();
for (const [oid, array, type] of BUILT_IN) {
  CLASSES.set(oid, type);
  CLASSES.set(array, `${type}[]`);
  ELEMENT_OIDS.set(array, oid);
  ELEMENT_CLASSES.set(`${type}[]`, type);
}

/**
 * @param typeOid as in RowDescription, which has a domain's base type. For a type that is text in all but its name
 *   (citext) hand over text's 25.
 */
export function classOf(typeOid: number): TypeClass {
  return CLASSES.get(typeOid) ?? 'other';
}

/** The oid of an array's elements; null where the type is no array that is known. */
export function elementOid(typeOid: number): number | null {
  return ELEMENT_OIDS.get(typeOid) ?? null;
}

/** The class of an array's elements; null for what is no array. */
export function elementClass(type: TypeClass): ScalarClass | null {
  return ELEMENT_CLASSES.get(type) ?? null;
}

/** The limit of `character varying(n)` and `character(n)` in characters, of RowDescription's type modifier; -1 is none. */
export function lengthLimit(typeOid: number, modifier: number): number {
  const scalar = elementOid(typeOid) ?? typeOid;
  return (scalar === 1042 || scalar === 1043) && modifier >= 4 ? modifier - 4 : -1;
}
