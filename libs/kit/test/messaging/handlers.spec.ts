import { describeHandlers } from '../../src/compliance/messaging/handlers.js';
import { PROVISIONED_WORLD, WORLDS } from './worlds.js';

// there a new consumer begins with the past only when an operator makes the module's consumer anew
for (const world of WORLDS.filter((one) => one !== PROVISIONED_WORLD)) describeHandlers(world);
