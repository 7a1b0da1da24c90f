import 'reflect-metadata';
import { runApplication } from '@fledge/kit';
import { application } from './application.js';

await runApplication(application);
