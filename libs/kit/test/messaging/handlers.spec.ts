import { describeHandlers } from '../../src/compliance/messaging/handlers.js';
import { WORLDS } from './worlds.js';

for (const world of WORLDS) describeHandlers(world);
