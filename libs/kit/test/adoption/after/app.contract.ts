import { defineContract } from '@fledge/kit/contract';

export const AppContract = defineContract({ name: 'app', routes: ['/loans'] });
