import { runApplication } from '@fledge/kit';
import { conduit } from './app.module.js';
import { configure } from './configure.js';

await runApplication({ ...conduit, nest: { beforeInit: configure } });
