/** The tags that a target gives its columns. */
import t from 'tap';
import { MaskKey } from '../../src/masking/key.ts';
import { maskingOf } from '../../src/protocols/masking.ts';

t.test('patterns', async (t) => {
  const masking = maskingOf(
    { subject: 's', observed: false, mask: ({ column }) => (column === 'card' ? 'last4' : null) },
    {
      columns: [
        { pattern: 'public.customers.card', tags: ['card', 'pci'] },
        { pattern: '*.*.e*mail', tags: ['contact'] },
        { pattern: '*.*.card', tags: ['card'] },
        { pattern: 'a+b.(x).[y]', tags: ['odd'] },
      ],
      detect: { detectors: ['iban'], patterns: [] },
    },
    new MaskKey(Buffer.alloc(16)),
  );
  t.same(masking.tagsOf('public', 'customers', 'card'), ['card', 'pci']);
  t.same(masking.tagsOf('other', 'customers', 'card'), ['card']);
  t.same(masking.tagsOf('s', 't', 'e_mail'), ['contact']);
  t.same(masking.tagsOf('s', 't', 'email'), ['contact']);
  t.same(masking.tagsOf('s', 't', 'emails'), []);
  t.same(masking.tagsOf('a+b', '(x)', '[y]'), ['odd'], 'nothing but * means anything');
  t.same(masking.tagsOf('aab', 'x', 'y'), []);
  t.same(masking.reveal({ column: 'card' }), { mask: 'last4' });
});
