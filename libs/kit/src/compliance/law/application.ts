import type { Application } from '@fledge/kit';
import { CALL_LIMITS_DEFAULT, type CallLimitsByModule } from '@fledge/kit/contract';
import {
  CallerContract,
  CallerModule,
  FrontContract,
  FrontModule,
  StrangerContract,
  StrangerModule,
} from './caller.module.js';
import { LawContext } from './law-context.js';
import { TargetContract } from './target.contract.js';

/** The application that the law is checked on. */
export const lawApplication: Application = {
  name: 'law',
  context: LawContext,
  modules: [
    { contract: TargetContract, load: () => import('./target.module.js').then((m) => m.TargetModule) },
    { contract: CallerContract, load: () => Promise.resolve(CallerModule) },
    { contract: StrangerContract, load: () => Promise.resolve(StrangerModule) },
    { contract: FrontContract, load: () => Promise.resolve(FrontModule) },
  ],
};

/** How many calls each of its modules handles at a time: few, so that the limit is soon reached. */
export const LAW_IN_FLIGHT_MAX = 25;
/** And how many of one caller. */
export const LAW_CALLER_MAX = 20;
/** What the calls of the law may take. */
export const LAW_CALLS: CallLimitsByModule = {
  defaults: { ...CALL_LIMITS_DEFAULT, inFlightMax: LAW_IN_FLIGHT_MAX, callerShare: 80 },
  modules: {},
};
