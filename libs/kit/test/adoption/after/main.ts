import { runApplication } from '@fledge/kit';
import { library } from './library.application.js';

await runApplication(library);
