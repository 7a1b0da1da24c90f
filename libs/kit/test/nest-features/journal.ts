/** What the providers of the modules did, in order. */
export const journal: string[] = [];

/** Writes into the journal, a turn of the event loop later. */
export async function later(entry: string): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  journal.push(entry);
}
