import { Authentication, BoundedModule } from '@fledge/kit';
import { ACCESS_TOKENS, GetSigningKeys, IdentityContract } from '@shop/identity/contract';
import { OrderingContract } from '@shop/ordering/contract';
import { NotificationsContract } from '../contract/index.js';
import { ListNotificationsController } from './list-notifications/list-notifications.controller.js';
import { MailboxController } from './mailbox/mailbox.controller.js';
import { OrderMails } from './note-mails/order-mails.js';
import { MailRound } from './send-mails/mail-round.js';
import { Mailer } from './send-mails/mailer.js';
import { NotificationsSettings } from './settings.js';
import { MailRepository } from './storage/mail.repository.js';
import { MailRow } from './storage/mail.row.js';
import { CreateMails1764300000000 } from './storage/migrations/1764300000000-create-mails.js';

/** Mail to buyers. */
@BoundedModule({
  contract: NotificationsContract,
  uses: [IdentityContract, OrderingContract],
  entities: [MailRow],
  migrations: [CreateMails1764300000000],
  settings: NotificationsSettings,
  imports: [Authentication.verifiedBy(GetSigningKeys, ACCESS_TOKENS)],
  providers: [MailRepository, OrderMails, Mailer, MailRound],
  controllers: [MailboxController, ListNotificationsController],
})
export class NotificationsModule {}
