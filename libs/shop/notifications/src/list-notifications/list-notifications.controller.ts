import { CurrentUser, decodeCursor, encodeCursor, type Identity, PageRequest } from '@fledge/kit';
import { Controller, Get, Query } from '@nestjs/common';
import { ApiBadRequestResponse, ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@fledge/kit/openapi';
import { type MailPlace, MailRepository } from '../storage/mail.repository.js';
import { NotificationCursor, NotificationPage, NotificationResource } from './notification.view.js';

/** The mails to a buyer. */
@ApiTags('notifications')
@ApiBearerAuth()
@Controller('notifications')
export class ListNotificationsController {
  constructor(private readonly mails: MailRepository) {}

  @Get()
  @ApiOperation({ summary: 'List my notifications, the newest first' })
  @ApiOkResponse({ type: NotificationPage })
  @ApiBadRequestResponse({ description: 'A bad limit or cursor' })
  async list(@CurrentUser() user: Identity, @Query() { limit, cursor }: PageRequest): Promise<NotificationPage> {
    // One more than the page tells whether there is a next one.
    const found = await this.mails.list(user.subject, cursor === undefined ? undefined : placeOf(cursor), limit + 1);
    const page = found.slice(0, limit);
    const last = page.at(-1);
    return {
      items: page.map((mail) => new NotificationResource(mail)),
      nextCursor:
        found.length > limit && last
          ? encodeCursor({ createdAtMs: last.createdAt.getTime(), id: last.id } satisfies NotificationCursor)
          : null,
    };
  }
}

function placeOf(cursor: string): MailPlace {
  const { createdAtMs, id } = decodeCursor(cursor, NotificationCursor);
  return { createdAt: new Date(createdAtMs), id };
}
