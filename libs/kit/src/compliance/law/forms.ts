import { CommandBus, type Query, QueryBus } from '@nestjs/cqrs';
import { type FledgeError, InvalidMessage, ModuleFault, type Page, pageOf } from '@fledge/kit/contract';
import {
  CardPayment,
  Color,
  EchoForms,
  FindPayment,
  Forms,
  GiveColor,
  GiveLevels,
  GivePage,
  GivePages,
  GivePartRecord,
  GivePayment,
  GivePaymentRecord,
  GivePayments,
  GiveWordRecord,
  Level,
  Transfer,
} from './forms.contract.js';
import { card, part, transfer } from './forms.handlers.js';
import { Part } from './part.js';
import type { LawWorld } from './world.js';

const forms = (fields: object = {}): Forms =>
  Object.assign(
    new Forms(),
    {
      payment: card(),
      payments: [transfer(), card('1111')],
      parts: { a: part('a'), 'ß "\u0000': part('b') },
      counts: { one: 1, none: -0 },
      labels: [{ de: 'Tisch' }, {}],
      color: Color.Red,
      level: Level.High,
      colors: [Color.Blue],
      page: { items: [part('p')], nextCursor: 'more' },
    },
    fields,
  );

/** The sentences of the law about what is no plain class: unions, records, enums and pages. */
export function describeForms(world: () => LawWorld): void {
  describe('unions, records, enums and pages', () => {
    const ask = <T>(query: Query<T>): Promise<T> => world().module('caller').get(QueryBus).execute(query);
    const echo = (sent: Forms): Promise<Forms> =>
      world()
        .module('caller')
        .get(CommandBus)
        .execute(new EchoForms({ forms: sent }));

    it('cross as fields, as instances of their classes', async () => {
      const sent = forms({ spare: card('2222'), paid: { now: card(), later: transfer() } });
      const received = await echo(sent);
      expect({ ...received, page: { ...received.page } }).toEqual({ ...sent, counts: { one: 1, none: 0 } });
      expect(received.payment).toBeInstanceOf(CardPayment);
      expect((received.payment as CardPayment).describe()).toBe('card 4242');
      expect(received.payments[0]).toBeInstanceOf(Transfer);
      expect(received.spare).toBeInstanceOf(CardPayment);
      expect(received.paid?.later).toBeInstanceOf(Transfer);
      expect(received.parts.a).toBeInstanceOf(Part);
      expect(received.page).toBeInstanceOf(pageOf(Part));
      expect(received.page.items[0]).toBeInstanceOf(Part);
      expect(Object.is(received.counts.none, 0)).toBe(true);
      expect(await echo(forms({ spare: null }))).toMatchObject({ spare: null });
    });

    it('are copied, as anything', async () => {
      const sent = forms();
      const pending = echo(sent);
      sent.parts.a = part('later');
      (sent.parts['ß "\u0000'] as Part).count = 9;
      sent.page.items.pop();
      const received = await pending;
      expect([received.parts.a?.name, received.parts['ß "\u0000']?.count, received.page.items.length]).toEqual([
        'a',
        1,
        1,
      ]);
    });

    it.each<[string, object, string, string]>([
      ['a variant that the union does not name', { payment: { method: 'cash' } }, 'payment.method', 'discriminator'],
      ['what is no object', { payment: 'card' }, 'payment', 'type'],
      [
        'a variant under the name of another',
        { payment: Object.assign(card(), { method: 'transfer' }) },
        'payment',
        'type',
      ],
      [
        'a field of another variant',
        { payments: [Object.assign(card(), { dueAt: new Date() })] },
        'payments[0].dueAt',
        'unknown-field',
      ],
      ['a broken rule of a variant', { payments: [card(), card('1')] }, 'payments[1].last4', 'isLength'],
      ['a broken rule in a record', { parts: { a: part('a'), b: { name: 'b', count: 0 } } }, 'parts.b.count', 'min'],
      ['a broken rule of a variant in a record', { paid: { now: card('1') } }, 'paid.now.last4', 'isLength'],
      ['another type in a record', { counts: { one: '1' } }, 'counts.one', 'type'],
      ['a map', { counts: new Map([['one', 1]]) }, 'counts', 'type'],
      [
        'a key that would be a prototype',
        { counts: JSON.parse('{"__proto__":1}') as object },
        'counts.__proto__',
        'type',
      ],
      ['a value that the enum does not have', { color: 'green' }, 'color', 'isEnum'],
      ['a number that the enum does not have', { level: 3 }, 'level', 'isEnum'],
      ['the name of a value of an enum', { level: 'High' }, 'level', 'type'],
      ['a cursor that is none', { page: { items: [], nextCursor: 7 } }, 'page.nextCursor', 'type'],
    ])('are refused with the path: %s', async (_, fields, path, rule) => {
      const error = await echo(forms(fields)).then(
        () => undefined,
        (failure: unknown) => failure as InvalidMessage,
      );
      expect(error).toBeInstanceOf(InvalidMessage);
      expect(error?.violations).toMatchObject([{ path: `forms.${path}`, rule }]);
    });

    it('cross as results', async () => {
      const payment = await ask(new GivePayment());
      expect(payment).toBeInstanceOf(Transfer);
      expect(payment).toEqual(transfer());
      expect((await ask(new GivePayments())).map((each) => each.constructor)).toEqual([CardPayment, Transfer]);
      expect(await ask(new FindPayment(0))).toBeInstanceOf(CardPayment);
      expect(await ask(new FindPayment(7))).toBeNull();
      const parts = await ask(new GivePartRecord());
      expect(parts).toEqual({ a: part('a'), 'ß "\u0000': part('b') });
      expect(parts.a).toBeInstanceOf(Part);
      expect((await ask(new GivePaymentRecord())).second).toBeInstanceOf(Transfer);
      const words = await ask(new GiveWordRecord());
      expect(Object.entries(words)).toEqual([
        ['one', '1'],
        ['constructor', 'c'],
      ]);
      expect(await ask(new GiveColor())).toBe(Color.Blue);
      expect(await ask(new GiveLevels())).toEqual([Level.Low, Level.High]);
      const page = await ask(new GivePage());
      expect({ ...page }).toEqual({ items: [part('a')], nextCursor: null });
      expect(page.items[0]).toBeInstanceOf(Part);
      const pages = await ask(new GivePages());
      expect(pages.nextCursor).toBe('more');
      expect(pages.items.map(({ items }: Page<object>) => items[0]?.constructor)).toEqual([CardPayment, Transfer]);
    });

    it.each([
      GivePayment,
      GivePayments,
      GivePartRecord,
      GivePaymentRecord,
      GiveWordRecord,
      GiveColor,
      GiveLevels,
      GivePage,
      GivePages,
    ])('are a fault of the module where they do not fit: the result of %p', async (query) => {
      const error = await ask(new query('wrong') as Query<unknown>).catch((failure: unknown) => failure as FledgeError);
      expect(error).toBeInstanceOf(ModuleFault);
    });
  });
}
