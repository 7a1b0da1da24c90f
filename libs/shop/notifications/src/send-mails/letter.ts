import type { MailRow } from '../storage/mail.row.js';

/** A mail as its reader sees it. */
export interface Letter {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/** Writes a mail. Foreign text, such as a reason, is escaped in HTML. */
export function letterOf({ kind, orderId, facts }: Pick<MailRow, 'kind' | 'orderId' | 'facts'>): Letter {
  const order = `your order ${orderId}`;
  const [subject, ...lines] = LETTERS[kind](order, facts);
  const paragraphs = ['Hello,', ...lines, 'Fledge shop'];
  return {
    subject,
    text: `${paragraphs.join('\n\n')}\n`,
    html: `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${escaped(subject)}</title></head><body>${paragraphs.map((line) => `<p>${escaped(line)}</p>`).join('')}</body></html>`,
  };
}

type Write = (order: string, facts: MailRow['facts']) => readonly [subject: string, ...lines: string[]];

const LETTERS: Readonly<Record<MailRow['kind'], Write>> = {
  confirmed: (order, facts) =>
    ['Your order is confirmed', `${order} is confirmed.`, `Its total is ${amount(facts)}.`].map(capital) as [
      string,
      ...string[],
    ],
  shipped: (order, { trackingCode }) => [
    'Your order is on its way',
    capital(`${order} is on its way.`),
    `Its tracking code is ${trackingCode ?? 'not known'}.`,
  ],
  completed: (order) => ['Your order is complete', capital(`${order} is paid and complete. Thank you.`)],
  cancelled: (order, { reason }) => [
    'Your order is cancelled',
    capital(`${order} is cancelled: ${reason ?? 'no reason was given'}.`),
    'Nothing was taken from you, or it is on its way back.',
  ],
  refunded: (order, { reason }) => [
    'Your money is on its way back',
    capital(`${order} is refunded: ${reason ?? 'no reason was given'}.`),
  ],
};

function amount({ totalMinor = 0, currency = 'EUR' }: MailRow['facts']): string {
  const { maximumFractionDigits: digits = 2 } = new Intl.NumberFormat('en', {
    style: 'currency',
    currency,
  }).resolvedOptions();
  return new Intl.NumberFormat('en', { style: 'currency', currency }).format(totalMinor / 10 ** digits);
}

function capital(line: string): string {
  return line.charAt(0).toUpperCase() + line.slice(1);
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Escapes a text for HTML. */
export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}
