/** A service of the traced application: `node orders.main.js --topology <file> --service <name>`. */
import 'reflect-metadata';
import { runApplication } from '@fledge/kit';
import { application } from './orders.application.js';

await runApplication(application);
