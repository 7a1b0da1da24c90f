import { describeCommands } from '../../src/compliance/messaging/commands.js';
import { describeEvents } from '../../src/compliance/messaging/events.js';
import { WORLDS } from './worlds.js';

for (const world of WORLDS) {
  describeEvents(world);
  describeCommands(world);
}
