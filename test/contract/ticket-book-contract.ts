import { expect, test } from 'vitest';
import type { TicketBook } from '../../src/admission/tickets/ticket-book.js';
import { uniqueName } from '../platform/unique-name.js';
import { waitFor } from '../platform/wait-for.js';

/** What every book of tickets does. `open` gives a book of one store; `one` and `other` are two nodes' views of it. */
export function describeTicketBook(open: () => Promise<{ readonly one: TicketBook; readonly other: TicketBook }>): void {
  test('a use is known to every node, and of that ticket alone', async () => {
    const { one, other } = await open();
    const [used, unused] = [uniqueName('ticket'), uniqueName('ticket')];
    await one.markUsed(used, Date.now() + 60_000);
    expect(await Promise.all([one.wasUsed(used), other.wasUsed(used), one.wasUsed(unused), other.wasUsed(unused)])).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  test('a use is forgotten at its time', async () => {
    const { one } = await open();
    const ticket = uniqueName('ticket');
    await one.markUsed(ticket, Date.now() + 100);
    await waitFor(async () => !(await one.wasUsed(ticket)), { what: 'the mark to lapse', timeoutMs: 5_000 });
    await one.markUsed(ticket, Date.now() - 1_000);
    expect(await one.wasUsed(ticket)).toBe(false);
  });

  test('marking twice is harmless', async () => {
    const { one, other } = await open();
    const ticket = uniqueName('ticket');
    await one.markUsed(ticket, Date.now() + 60_000);
    await other.markUsed(ticket, Date.now() + 60_000);
    expect(await one.wasUsed(ticket)).toBe(true);
  });
}
