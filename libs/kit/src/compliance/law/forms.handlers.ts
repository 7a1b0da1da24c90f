import type { Class, Page } from '@fledge/kit/contract';
import { CommandHandler, QueryHandler } from '@nestjs/cqrs';
import {
  CardPayment,
  Color,
  EchoForms,
  FindPayment,
  type Forms,
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
  type Payment,
  Transfer,
} from './forms.contract.js';
import { Part } from './part.js';

export const card = (last4 = '4242'): CardPayment => Object.assign(new CardPayment(), { last4 });
export const transfer = (): Transfer =>
  Object.assign(new Transfer(), { method: 'transfer' as const, dueAt: new Date(7_000) });
export const part = (name: string): Part => Object.assign(new Part(), { name, count: 1 });

@CommandHandler(EchoForms)
class EchoFormsHandler {
  async execute({ forms }: EchoForms): Promise<Forms> {
    for (const payment of [forms.payment, ...forms.payments, ...Object.values(forms.paid ?? {})])
      if (!(payment instanceof (payment.method === 'card' ? CardPayment : Transfer)))
        throw new Error(`${payment.method} is no instance of its class`);
    if (!Object.values(forms.parts).every((each) => each instanceof Part)) throw new Error('no part');
    return forms;
  }
}

@QueryHandler(FindPayment)
class FindPaymentHandler {
  async execute({ number }: FindPayment): Promise<Payment | undefined> {
    return [card(), transfer()][number];
  }
}

/** Answers a query with one value, or with another that its contract does not allow. */
function answering<T>(query: Class, sound: () => T, wrong: () => unknown): new () => object {
  @QueryHandler(query)
  class AnsweringHandler {
    async execute({ what }: { readonly what: 'sound' | 'wrong' }): Promise<unknown> {
      return what === 'sound' ? sound() : wrong();
    }
  }
  return AnsweringHandler;
}

const page = <T>(...items: T[]): Page<T> => ({ items, nextCursor: null });

export const FORM_HANDLERS = [
  EchoFormsHandler,
  FindPaymentHandler,
  answering(GivePayment, transfer, () => Object.assign(card(), { method: 'transfer' })),
  answering(
    GivePayments,
    () => [card(), transfer()],
    () => [card(), card('42')],
  ),
  answering(
    GivePartRecord,
    () => ({ a: part('a'), 'ß "\u0000': part('b') }),
    () => ({ a: part('a'), b: Object.assign(part('b'), { count: 0 }) }),
  ),
  answering(
    GivePaymentRecord,
    () => ({ first: card(), second: transfer() }),
    () => ({ first: { method: 'cash' } }),
  ),
  answering(
    GiveWordRecord,
    () => ({ one: '1', constructor: 'c', none: undefined }),
    () => new Map([['one', '1']]),
  ),
  answering(
    GiveColor,
    () => Color.Blue,
    () => 'green',
  ),
  answering(
    GiveLevels,
    () => [Level.Low, Level.High],
    () => [Level.Low, 'High'],
  ),
  answering(
    GivePage,
    () => page(part('a')),
    () => ({ items: [part('a'), { name: 'b' }] }),
  ),
  answering(
    GivePages,
    () => ({ ...page(page<Payment>(card()), page<Payment>(transfer())), nextCursor: 'more' }),
    () => page(page({ method: 'card' })),
  ),
];
