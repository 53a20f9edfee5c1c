/** Which columns are masked for whom, and how. */
import t from 'tap';
import { bob, compile, person, query } from './make.ts';

const column = (name: string, tags: readonly string[] = []) => ({
  ...{ database: 'orders', databaseUser: 'alice', schema: 'public', table: 'customers' },
  ...{ column: name, tags },
});

const CARDS = `
@mask("last4")
forbid (principal, action == Action::"reveal", resource in Tag::"prod") when { context.tags.contains("card") }
unless { principal in Group::"dba-leads" };
`;

t.test('without a policy of reveal nothing is masked, nor asked', async (t) => {
  t.equal(compile('permit (principal, action, resource);').revealer(query()), null);
  t.equal(compile(CARDS).revealer(query({ target: 'web1' })), null, 'nor where it is of another target');
});

t.test('by tag, by person', async (t) => {
  const policies = compile(CARDS);
  const masks = policies.revealer(query({ login: bob }));
  t.equal(masks?.mask(column('card', ['card'])), 'last4');
  t.equal(masks?.mask(column('name', ['pii'])), null);
  t.equal(masks?.mask(column('name')), null);
  t.equal(policies.revealer(query())?.mask(column('card', ['card'])), null, 'alice leads the dbas');
});

t.test('by name', async (t) => {
  const masks = compile(
    'forbid (principal, action == Action::"reveal", resource) when { context.table == "customers" && context.column == "ssn" };',
  ).revealer(query());
  t.equal(masks?.mask(column('ssn')), 'full', 'in full where no form is named');
  t.equal(masks?.mask(column('card')), null);
});

t.test('forms that differ leave nothing to see', async (t) => {
  const masks = compile(
    `${CARDS} @mask("first6") forbid (principal, action == Action::"reveal", resource) when { context.column == "card" };`,
  ).revealer(query({ login: bob }));
  t.equal(masks?.mask(column('card', ['card'])), 'full');
  t.equal(masks?.mask(column('pan', ['card'])), 'last4');
});

t.test('what cannot be evaluated is masked', async (t) => {
  const masks = compile(
    'forbid (principal, action == Action::"reveal", resource) when { context.port + 9223372036854775807 > 0 && context.column == "x" };',
  ).revealer(query());
  t.equal(masks?.mask(column('name')), 'full');
  const nobody = compile(CARDS).revealer(query({ login: person('a:b') }));
  t.equal(nobody?.mask(column('name')), 'full', 'nor who cannot be');
});

t.test('observed: told, and shown', async (t) => {
  t.match(compile(CARDS, { mode: 'observe' }).revealer(query({ login: bob })), { observed: true });
});

t.test('the subject is the same where the answers are', async (t) => {
  const policies = compile(CARDS);
  const subject = (rest: Parameters<typeof query>[0]) => policies.revealer(query(rest))?.subject;
  t.equal(subject({ login: bob, chain: ['bash'] }), subject({ login: bob, chain: ['zsh', 'psql'] }));
  t.not(subject({ login: bob }), subject({}));
  t.not(compile(`${CARDS} // another version`).revealer(query())?.subject, subject({}));
});
