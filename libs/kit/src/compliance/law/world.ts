import type { INestApplication } from '@nestjs/common';

/** The law's application started in some way: where its modules run is the world's affair. */
export interface LawWorld {
  /** The Nest application of `caller`, `stranger` or `front`. */
  module(name: string): INestApplication;
  stop(): Promise<void>;
}
