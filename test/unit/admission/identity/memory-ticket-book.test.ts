import { describe } from 'vitest';
import { MemoryTicketBook } from '../../../../src/admission/memory/memory-ticket-book.js';
import { systemEnvironment } from '../../../../src/std/system-environment.js';
import { describeTicketBook } from '../../../contract/ticket-book-contract.js';

describe('the book in memory', () => {
  describeTicketBook(async () => {
    const book = new MemoryTicketBook(systemEnvironment.clock);
    return { one: book, other: book };
  });
});
