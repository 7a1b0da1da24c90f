import { describeTransport } from '@fledge/kit/compliance';
import { channelTransport } from './index.js';

describeTransport('channel', channelTransport);
