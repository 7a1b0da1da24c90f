import 'reflect-metadata';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testApplication } from '@fledge/kit/testing';
import { getRepositoryToken } from '@nestjs/typeorm';
import type { Repository } from 'typeorm';
import { application } from '../src/application.js';
import { Level } from '../src/stock/level.entity.js';
import { StockModule } from '../src/stock/stock.module.js';

for (const topology of ['monolith', 'split']) {
  test(`an order is confirmed, and takes its stock, in ${topology}`, { timeout: 180_000 }, async () => {
    const app = await testApplication(application, { topology }).start();
    try {
      const placed = await app.inject({ method: 'POST', url: '/orders', payload: { item: 'tea', quantity: 2 } });
      assert.equal(placed.statusCode, 201);
      await app.untilQuiet();
      const orders = (await app.inject('/orders')).json<{ id: string; state: string }[]>();
      assert.deepEqual(orders.map(({ state }) => state), ['confirmed']);
      const levels = app.get<Repository<Level>>(StockModule, getRepositoryToken(Level));
      assert.equal((await levels.findOneByOrFail({ item: 'tea' })).available, 98);
      const tooMany = await app.inject({ method: 'POST', url: '/orders', payload: { item: 'tea', quantity: 99 } });
      assert.equal(tooMany.statusCode, 409);
    } finally {
      await app.close();
    }
  });
}
