import { describeReplicas } from '../../src/compliance/messaging/replicas.js';
import { WORLDS } from './worlds.js';

for (const world of WORLDS) describeReplicas(world);
