import { escaped, letterOf } from '../send-mails/letter.js';
import type { MailRow } from '../storage/mail.row.js';

/** The page of the mailbox: the newest mail first. */
export function mailboxPage(mails: readonly MailRow[]): string {
  const rows = mails.map(
    (mail) =>
      `<tr><td>${mail.sentAt?.toISOString() ?? ''}</td><td>${escaped(mail.recipient ?? '')}</td><td><a href="mailbox/${mail.id}">${escaped(letterOf(mail).subject)}</a></td></tr>`,
  );
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Mailbox</title>
<style>body{font:16px/1.5 system-ui;margin:2rem}td,th{padding:.25rem 1rem .25rem 0;text-align:left}</style></head>
<body><h1>Mailbox</h1>${rows.length === 0 ? '<p>No mail yet: place an order.</p>' : `<table><tr><th>Sent</th><th>To</th><th>Subject</th></tr>${rows.join('')}</table>`}</body></html>`;
}
