/**
 * A process of the HTTP bench, `<database's URL> <pool's size>`: the stock application. Sends the port that it listens
 * on to the process that started it.
 */
import 'reflect-metadata';
import { ValidationPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { StockModule } from './stock.module.js';

const [url, poolMax] = process.argv.slice(2) as [string, string];
process.on('disconnect', () => process.exit(1));

const app = await NestFactory.create<NestFastifyApplication>(
  StockModule.on(url, Number(poolMax)),
  new FastifyAdapter(),
  { logger: false },
);
app.useGlobalPipes(new ValidationPipe({ transform: true, whitelist: true, forbidNonWhitelisted: true }));
await app.listen(0, '127.0.0.1');
process.send?.(Number(new URL(await app.getUrl()).port));
