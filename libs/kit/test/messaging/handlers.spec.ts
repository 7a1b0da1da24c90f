import { describeHandlers } from '../../src/compliance/index.js';
import { WORLDS } from './worlds.js';

for (const world of WORLDS) describeHandlers(world);
