import 'reflect-metadata';
import { runApplication } from '@fledge/kit';
import { shop } from './modules.js';

await runApplication(shop);
