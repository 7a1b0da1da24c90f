import { NotificationsSettings } from './settings.js';

const findingsOf = (settings: Partial<NotificationsSettings>): string[] =>
  Object.assign(new NotificationsSettings(), settings)
    .productionFindings()
    .map(({ name }) => name);

it.each<[string, Partial<NotificationsSettings>, string[]]>([
  ['a mailbox that everybody can read', { smtpUrl: 'mailbox' }, ['public-mailbox']],
  ['TLS from the start', { smtpUrl: 'smtps://mail.test', smtpTls: 'offered' }, []],
  ['TLS that the server must offer', { smtpUrl: 'smtp://mail.test:587', smtpTls: 'required' }, []],
  ['TLS that the server may not offer', { smtpUrl: 'smtp://mail.test:587', smtpTls: 'offered' }, ['plain-smtp']],
  ['a server of this machine', { smtpUrl: 'smtp://127.0.0.1:25', smtpTls: 'offered' }, []],
])('finds in production, of %s, what is unsafe', (_, settings, expected) => {
  expect(findingsOf(settings)).toEqual(expected);
});
