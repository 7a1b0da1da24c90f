import { defineContract } from '@fledge/kit/contract';

export const CommentsContract = defineContract({ name: 'comments', routes: ['/api/articles/:slug/comments'] });
