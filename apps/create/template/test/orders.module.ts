import 'reflect-metadata';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fake, testModule } from '@fledge/kit/testing';
import { OrdersModule } from '../src/orders/orders.module.js';
import { GetLevel, StockContract, TakeStock } from '../src/stock/contract/index.js';

test('the module orders, with a fake of its neighbour', async () => {
  const stock = fake(StockContract)
    .on(GetLevel, ({ item }) => ({ item, available: item === 'tea' ? 5 : 0 }))
    .on(TakeStock, () => undefined);
  const orders = await testModule(OrdersModule, { fakes: [stock] });
  try {
    await orders
      .scenario()
      .request('POST', '/orders', { item: 'tea', quantity: 2 })
      .check(({ status }) => assert.equal(status, 201));
    await orders
      .scenario()
      .request('POST', '/orders', { item: 'coffee', quantity: 1 })
      .check(({ status }) => assert.equal(status, 409));
    assert.deepEqual(orders.calls(GetLevel).map(({ item }) => item), ['tea', 'coffee']);
  } finally {
    await orders.close();
  }
});
